"""Finds the free names of Python code with Python's own symbol table; nothing is executed."""

from __future__ import annotations

import symtable
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_standard(module: str) -> bool:
    """Whether a module is in the standard library, other than ``__future__``."""
    return module.partition(".")[0] in sys.stdlib_module_names - {"__future__"}


def names_taken(source: str) -> set[str]:
    """The free names of Python code. Raises SyntaxError if it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # escapes such as "\d" in foreign strings
        top = symtable.symtable(source, "source", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    return {name for table in _tables(top) for name in _from_around(table)} - own


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _from_around(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_global() or (top and symbol.is_referenced()):
            yield symbol.get_name()
