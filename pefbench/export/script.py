"""Builds the script of a bundle: one file, into which everything that it uses from pefbench is copied.

The bundle therefore splits, cuts and reads texts with the same functions as pefbench, without pefbench or torch.
"""

from __future__ import annotations

import ast

from pefbench.paths import PACKAGE

START = "export/bundle/common.py"


def script(head: str) -> str:
    """The script for a kind of head."""
    imports: dict[str, None] = {}
    parts: dict[str, None] = {}
    _add(_source(f"export/bundle/{head}.py"), imports, parts)
    begin, first_import, rest = _source(START).partition("import json\n")
    return "\n\n\n".join([f"{begin}{first_import}{''.join(sorted(imports))}{rest.strip()}", *parts]) + "\n"


def _add(source: str, imports: dict[str, None], parts: dict[str, None]) -> None:
    """Add a module: first what it imports from pefbench, then its body. Other imports are added if they are missing."""
    body = ast.parse(source).body[1:]  # without the docstring
    there = {name for node in ast.parse(_source(START)).body for name in _names(node)}
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pefbench."):
            _add_names(str(node.module), _names(node), imports, parts)
        elif missing := [name for name in _names(node) if name not in there]:
            found = f"from {node.module} import {', '.join(missing)}" if isinstance(node, ast.ImportFrom) else ""
            imports[f"{found or ast.unparse(node)}\n"] = None
    last = max(node.end_lineno or 0 for node in body if isinstance(node, ast.Import | ast.ImportFrom))
    parts["\n".join(source.splitlines()[last:]).strip()] = None


def _names(node: ast.stmt) -> list[str]:
    """The names that an import statement imports."""
    return [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []


def _add_names(module: str, names: list[str], imports: dict[str, None], parts: dict[str, None]) -> None:
    """Add imported names: the whole module if it belongs to `bundle/`, otherwise only the definitions."""
    file = f"{module.removeprefix('pefbench.').replace('.', '/')}.py"
    if file == START:
        return
    source = _source(file)
    if file.startswith("export/bundle/"):
        _add(source, imports, parts)
        return
    for node in ast.parse(source).body:
        targets = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
        if {getattr(node, "name", None), *targets}.intersection(names):
            parts[ast.get_source_segment(source, node) or ""] = None


def _source(file: str) -> str:
    return (PACKAGE / file).read_text(encoding="utf8")
