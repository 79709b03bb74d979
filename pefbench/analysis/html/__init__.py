"""Results as one self-contained HTML file: it needs no network, no server and no other file.

``contents`` gathers the numbers, ``sentences`` the verdicts, and ``examples`` the examples that methods answered
differently; ``page`` puts them into ``page.html`` with its style and script. Content from data or models is only ever
shown as text.
"""

from pefbench.analysis.html.page import page

__all__ = ["page"]
