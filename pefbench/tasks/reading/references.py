"""Reads several references of an example: a list in a cell, or numbered columns such as `answer1` and `answer2`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pefbench.sources.cells import is_missing
from pefbench.tasks import Several
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.sources import Row


def several(*names: str, read: Callable[[Any], Any] = lambda cell: cell) -> Several:
    """Columns of references: one of these names followed by a number, in order of the numbers.

    read: applied to each cell. The value is a list of all cells, with lists among them flattened; None if missing.
    """
    numbered = re.compile(rf"(?:{'|'.join(map(re.escape, names))})[ _.-]?(\d{{1,3}})", re.ASCII | re.IGNORECASE)

    def find(_: Sequence[Row], columns: Sequence[str]) -> list[str]:
        found = [(int(match[1]), name) for name in columns if (match := numbered.fullmatch(name))]
        return [name for _, name in sorted(found)]

    return Several(lambda row, columns: joined([read(row.values[column]) for column in columns]), find)


def joined(cells: Sequence[Any]) -> list[Any]:
    """The cells' values in order, with lists among them flattened; None for missing ones."""
    opened = [each for cell in cells for each in (cell if isinstance(cell, list) else [cell])]
    return [None if is_missing(each) else each for each in opened]


def texts(row: Row, column: str) -> tuple[str, ...]:
    """The distinct references of a row, the first of which is learned; missing ones among several are left out.

    Raises DataError unless there is at least one.
    """
    cell = row.values[column]
    if not isinstance(cell, list):
        return (values.text(row, column),)
    cell = [each for each in cell if each is not None]
    if not cell or not all(isinstance(each, str) and each.strip() for each in cell):
        raise values.wrong(row, column, "a non-empty text, or a list of them")
    return tuple(dict.fromkeys(cell))


def others(found: tuple[str, ...]) -> tuple[str, ...]:
    """`GenerationExample.references` for these texts: all of them, or none if the only one is the text to learn."""
    return found if len(found) > 1 else ()
