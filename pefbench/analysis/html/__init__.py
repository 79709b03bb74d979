"""Results as one HTML file that needs nothing else: no network, no server, no other file.

``contents`` gathers the numbers, ``sentences`` the verdicts, ``examples`` what methods answered unlike; ``page`` puts
them into ``page.html`` with its style and script. What came from data or models is only ever shown as text.
"""

from pefbench.analysis.html.page import page

__all__ = ["page"]
