"""Decodes texts that were written as Python bytes, ``b'...'``, as in the files of PAWS."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, counted
from pefbench.sources.cells import is_missing

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Row, Rows

LITERAL = re.compile(r"""b'(?:[^'\\\n]|\\.)*'|b"(?:[^"\\\n]|\\.)*\"""", re.DOTALL)


def decoded(table: Rows, bad: BadRows) -> Rows:
    """Decode columns in which every cell is a ``b'...'`` literal; leave other tables unchanged.

    A cell that is not UTF-8 makes a bad row.
    """
    names = [name for name in table.columns if _are_literals([row.values.get(name) for row in table.rows])]
    if not names:
        return table
    cells = sum(not is_missing(row.values.get(name)) for row in table.rows for name in names)
    note = f"{counted(cells, 'cell')} written as Python's bytes, b'...', are read as UTF-8: {', '.join(names)}"
    rows = bad.good(table.rows, lambda row: _read(row, names))
    return replace(table, rows=rows, notes=(*table.notes, note))


def _are_literals(cells: list[Any]) -> bool:
    """Whether all non-empty cells are literals, and there is at least one."""
    there = [cell for cell in cells if not is_missing(cell)]
    return bool(there) and all(isinstance(cell, str) and LITERAL.fullmatch(cell) for cell in there)


def _read(row: Row, names: list[str]) -> Row:
    texts = {name: _text(row, name) for name in names if not is_missing(row.values.get(name))}
    return replace(row, values=row.values | texts)


def _text(row: Row, name: str) -> str:
    try:
        spelt: bytes = ast.literal_eval(row.values[name])  # one literal, by the pattern above
        return spelt.decode("utf-8")
    except (ValueError, SyntaxError) as error:  # such as b'\x' or b'é'; UnicodeDecodeError is a ValueError
        raise DataError(f"{row.where}: {name} is written as Python's bytes, but not UTF-8: {error}"[:240]) from None
