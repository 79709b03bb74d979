"""Assembles a bundle's script, a single file, from parts in `bundle/`: start, kind of head, command line.

A line that ends in ``# only NAME`` is kept only for that kind of head, or for trials with that trait; a line that ends
in ``# unless NAME``, only for all others.
"""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

from pefbench.paths import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PARTS = {"sequence": "texts", "multi_label": "texts", "regression": "texts"}
"""Kind of head -> its part, if that has another name."""
ADDED = ("chat", "lines")
"""Traits that are also parts."""
ONLY = re.compile(r"  # (only|unless) (\w+)$")


def script(kind: str, traits: Sequence[str] = ()) -> str:
    """The script for a kind of head. traits: see `export.heads`."""
    names = ["start", PARTS.get(kind, kind), *(each for each in ADDED if each in traits), "ask"]
    parts = [_part(name, {kind, *traits}) for name in names]
    bodies = [body for _, _, body in parts]
    return "\n\n\n".join([f"{parts[0][0]}\n\n{_imports(line for _, lines, _ in parts for line in lines)}", *bodies])


def _part(name: str, wanted: set[str]) -> tuple[str, list[str], str]:
    """The docstring, the imports, and the other lines of a part."""
    source = (PACKAGE / "export" / "bundle" / f"{name}.py").read_text(encoding="utf8")
    found = [(line, ONLY.search(line)) for line in source.splitlines()]
    lines = [line for line, only in found if not only or (only[2] in wanted) is (only[1] == "only")]
    text = "\n".join(ONLY.sub("", line) for line in lines)
    docstring, *nodes = ast.parse(text).body
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    body = text.splitlines()[max(node.end_lineno or 0 for node in imports) :]
    own = [node for node in imports if not (isinstance(node, ast.ImportFrom) and "pefbench" in str(node.module))]
    return ast.get_source_segment(text, docstring) or "", [ast.unparse(node) for node in own], "\n".join(body).strip()


def _imports(lines: Iterable[str]) -> str:
    """Imports in the usual order: the standard library's, then others."""
    ordered = sorted(set(lines), key=lambda line: (line.startswith("from"), line))
    groups = [
        [line for line in ordered if (line.split()[1] in sys.stdlib_module_names) is own] for own in (True, False)
    ]
    return "\n\n".join("\n".join(group) for group in groups)
