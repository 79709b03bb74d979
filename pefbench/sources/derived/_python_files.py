"""Reads a folder's Python files and their docstrings as text: no file is imported or executed."""

from __future__ import annotations

import ast
import inspect
import sys
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import DataError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.rows import BadRows

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # the fields of a node that hold statements


@dataclass(frozen=True, slots=True)
class Docstring:
    """One docstring. text: without its indentation; file, line: of its beginning."""

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed Python file. source: its bytes; file: its name in messages."""

    tree: ast.Module
    source: bytes
    file: str


def docstrings(folder: Path, name: str, bad: BadRows, holding: re.Pattern[str]) -> Iterator[Docstring]:
    """The docstrings of modules, classes and functions that contain a match, by file and line; see `modules`."""
    for module in modules(folder, name, bad, holding):
        yield from (docstring for docstring in _of_module(module) if holding.search(docstring.text))


def modules(folder: Path, name: str, bad: BadRows, holding: re.Pattern[str]) -> Iterator[Module]:
    """The files that contain a match, by name; tests are left out.

    name: the folder relative to the source; "" is the source itself, which has its own name in messages. Files whose
    bytes contain no match are not parsed, which saves most of the time; another file that this Python cannot parse is
    a bad row.
    """
    inside = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    for path in map(PurePosixPath, inside):
        source = b"" if _is_test(path) else (folder / path).read_bytes()
        if holding.search(source.decode("latin-1")):  # ASCII is the same in every encoding
            file = (PurePosixPath(name or folder.name) / path).as_posix()
            if (tree := _parsed(source, file, bad)) is not None:
                yield Module(tree, source, file)


def _is_test(path: PurePosixPath) -> bool:
    return not {"test", "tests"}.isdisjoint(path.parts) or path.name.startswith("test_") or path.name == "conftest.py"


def _parsed(source: bytes, file: str, bad: BadRows) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes such as "\d" in foreign strings
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # a null byte, nesting
        line = getattr(error, "lineno", None) or 1
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        reason = getattr(error, "msg", None) or str(error) or "nested too deeply"
        bad(DataError(f"{file}:{line}: not Python as version {version} reads it: {reason}"))
        return None


def _of_module(module: Module) -> list[Docstring]:
    found = [read for node in _documented(module.tree) if (read := _docstring(node, module.file))]
    return sorted(found, key=lambda docstring: docstring.line)


def _documented(node: ast.AST) -> Iterator[Documented]:
    """The nodes with possible docstrings among a node and its statements; expressions, most of a tree, are skipped."""
    if isinstance(node, DOCUMENTED):
        yield node
    for block in BLOCKS:
        for statement in getattr(node, block, None) or ():
            yield from _documented(statement)


def _docstring(node: Documented, file: str) -> Docstring | None:
    raw = ast.get_docstring(node, clean=False)
    if raw is None or not raw.strip():
        return None
    blank = next(number for number, line in enumerate(raw.split("\n")) if line.strip())
    return Docstring(inspect.cleandoc(raw), file, node.body[0].lineno + blank)
