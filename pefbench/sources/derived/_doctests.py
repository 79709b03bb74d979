"""Turns the doctest examples in a function's docstring into a program that tests the function."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pefbench.sources.derived._python_names import is_standard, names_taken

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from doctest import Example

CHANGING = re.compile(r"\bat 0x|\.\.\.|\bid\(|<\w+ object")
"""Output that differs between runs or is abbreviated."""

PROGRAM = """\
import doctest

examples = doctest.DocTestParser().get_doctest({examples!r}, globals(), {name!r}, None, None)
runner = doctest.DocTestRunner(verbose=False)
runner.run(examples, out=lambda _: None)
assert runner.summarize(verbose=False).failed == 0
"""


def doctests(docstring: str, name: str, known: AbstractSet[str]) -> str | None:
    """A program that fails if an example fails; None if the examples need more than the function.

    known: the names that the examples may use besides the function's. Imports of the function itself are left out.
    """
    import doctest

    try:
        found = doctest.DocTestParser().get_examples(docstring)
        examples = [each for each in found if not each.options.get(doctest.SKIP) and not _imports_only(each, name)]
        taken = _taken(examples)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if name not in taken or not taken <= {*known, name} or not any(example.want for example in examples):
        return None
    if any(CHANGING.search(example.want) for example in examples):
        return None
    return PROGRAM.format(examples="".join(map(_written, examples)), name=name)


def _imports_only(example: Example, name: str) -> bool:
    """Whether an example only imports the function. Raises SyntaxError."""
    return all(
        isinstance(statement, ast.ImportFrom) and [alias.name for alias in statement.names] == [name]
        for statement in ast.parse(example.source).body
    )


def _taken(examples: list[Example]) -> set[str]:
    """The names that examples use but do not define. Raises SyntaxError, also for a third-party import."""
    source = "".join(example.source for example in examples)
    for node in ast.walk(ast.parse(source)):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            imported = [f"{'.' * node.level}{node.module}"]
        if not all(map(is_standard, imported)):
            raise SyntaxError("a module that is not of the standard library")
    return names_taken(source)


def _written(example: Example) -> str:
    """An example as written in a docstring."""
    first, *others = example.source.splitlines()
    return "".join([f">>> {first}\n", *(f"... {line}\n" for line in others), example.want])
