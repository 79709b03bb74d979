"""Pages of files that lie outside docs/: the contributor's guide, the changelog, the notebook."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pefbench.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable


def contributing() -> str:
    """CONTRIBUTING.md."""
    return _of_root("CONTRIBUTING.md")


def changelog() -> str:
    """CHANGELOG.md."""
    return _of_root("CHANGELOG.md")


def _of_root(name: str) -> str:
    """A file of the project's folder; links into docs/ start from docs/ here."""
    return re.sub(r"\]\(docs/", "](", (PROJECT / name).read_text(encoding="utf8"))


def quickstart() -> str:
    """The notebook as a page: its text and its code."""
    notebook = json.loads((PROJECT / "docs/notebooks/quickstart.ipynb").read_text(encoding="utf8"))
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    blocks = [source if kind == "markdown" else f"```python\n{source}\n```" for kind, source in cells]
    return "\n\n".join(blocks) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "contributing.md": contributing,
    "changelog.md": changelog,
    "notebooks/quickstart.md": quickstart,
}
