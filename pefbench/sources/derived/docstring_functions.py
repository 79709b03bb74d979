"""Functions from a folder of Python files, such as a package in a wheel: signature, docstring and body.

The rows are laid out like those of HumanEval (Chen et al. 2021, arXiv:2107.03374): the prompt is what precedes the
body. Doctest examples in the docstring are the tests. Nothing is imported or executed.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pefbench.sources.derived._doctests import doctests
from pefbench.sources.derived._python_files import modules
from pefbench.sources.derived._python_names import is_standard, names_taken
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.derived._python_files import Module
    from pefbench.sources.rows import BadRows

COLUMNS = ("prompt", "canonical_solution", "entry_point", "test", "package")
FUNCTION = re.compile(r"^def \w+", re.MULTILINE)
LONGEST_PROMPT = 1500
LONGEST_BODY = 800
"""The longest prompts and bodies in characters, about 400 and 250 tokens."""
BUILTINS = frozenset(dir(builtins)) - {"eval", "exec", "compile", "globals", "locals", "__import__", "breakpoint"}


@dataclass(frozen=True, slots=True)
class Function:
    """One function. imports: the lines that import the names that it uses from the standard library."""

    name: str
    imports: tuple[str, ...]
    head: str
    body: str
    docstring: str
    line: int


def read_functions(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per function, with the columns of HumanEval and package (the folder's name).

    canonical_solution: the body, with its indentation. test: a program that runs the docstring's examples; None if they
    need more than the function. A function is read if it has a docstring and is self-contained: not a method, without
    decorators, using only its own names, Python's and the standard library's, whose imports begin the prompt. It must
    return something; prompts have at most 1,500 characters, bodies 800. Of functions with equal bodies, the first is
    read.
    """
    rows, bodies = [], set()
    for module in modules(folder, name, bad, FUNCTION):
        for function in _functions(module):
            prompt = "\n".join(function.imports) + "\n\n\n" * bool(function.imports) + function.head
            if function.body in bodies or len(prompt) > LONGEST_PROMPT:
                continue
            bodies.add(function.body)
            values = {
                "prompt": prompt,
                "canonical_solution": function.body,
                "entry_point": function.name,
                "test": doctests(function.docstring, function.name, {*BUILTINS, *_bound(function.imports)}),
                "package": folder.name,
            }
            rows.append(Row(values, module.file, function.line))
    return Rows(COLUMNS, rows)


def _functions(module: Module) -> Iterator[Function]:
    lines = importlib.util.decode_source(module.source).splitlines(keepends=True)
    imported = {bound: line for node in module.tree.body for bound, line in _imports(node)}
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef) or node.decorator_list or len(node.body) < 2:
            continue
        documented, first = node.body[0], node.body[1]
        docstring = ast.get_docstring(node)
        if not docstring or documented.end_lineno == first.lineno or not _gives_back(node):
            continue
        head = "".join(lines[node.lineno - 1 : documented.end_lineno])
        body = "".join(lines[documented.end_lineno or 0 : node.end_lineno]).strip("\n") + "\n"
        needed = names_taken(head + body)
        if len(body) <= LONGEST_BODY and body.startswith("    ") and needed <= {*BUILTINS, *imported, node.name}:
            imports = dict.fromkeys(imported[each] for each in sorted(needed & imported.keys()))
            yield Function(node.name, tuple(imports), head, body, docstring, node.lineno)


def _imports(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """The names that an import from the standard library binds, each with a separate import line."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            if is_standard(alias.name):
                yield bound, ast.unparse(ast.Import([alias]))
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module and is_standard(node.module):
        for alias in node.names:
            yield alias.asname or alias.name, ast.unparse(ast.ImportFrom(node.module, [alias], 0))


def _bound(imports: tuple[str, ...]) -> set[str]:
    return {bound for line in imports for bound, _ in _imports(ast.parse(line).body[0])}


def _gives_back(node: ast.FunctionDef) -> bool:
    """Whether a function returns or yields something and is not just a stub."""
    inside = [*ast.walk(node)]
    gives = any(isinstance(each, ast.Return | ast.Yield | ast.YieldFrom) and each.value for each in inside)
    imports = [each for each in inside if isinstance(each, ast.Import | ast.ImportFrom)]
    return gives and all(any(_imports(each)) for each in imports)


READER = FolderReader(read_functions)
