"""Several right texts for one example: a list in a cell, or numbered columns such as `answer1` and `answer2`."""

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
    """Columns of references: those called as one of these names with a number behind, in the order of the numbers.

    read: what becomes of each cell.
    """
    numbered = re.compile(rf"(?:{'|'.join(map(re.escape, names))})[ _.-]?(\d{{1,3}})", re.ASCII | re.IGNORECASE)

    def find(_: Sequence[Row], columns: Sequence[str]) -> list[str]:
        found = [(int(match[1]), name) for name in columns if (match := numbered.fullmatch(name))]
        return [name for _, name in sorted(found)]

    return Several(lambda row, columns: joined([read(row.values[column]) for column in columns]), find)


def joined(cells: Sequence[Any]) -> list[Any] | None:
    """What cells hold, in order, lists among it opened and missing ones left out; None where all are missing."""
    found = [each for cell in cells for each in (cell if isinstance(cell, list) else [cell]) if not is_missing(each)]
    return found or None


def texts(row: Row, column: str) -> tuple[str, ...]:
    """The right texts of a row, the first of which is learned, each once. Raises DataError unless there is one."""
    cell = row.values[column]
    if not isinstance(cell, list):
        return (values.text(row, column),)
    if not cell or not all(isinstance(each, str) and each.strip() for each in cell):
        raise values.wrong(row, column, "a non-empty text, or a list of them")
    return tuple(dict.fromkeys(cell))


def others(found: tuple[str, ...]) -> tuple[str, ...]:
    """`GenerationExample.references` for these texts: all of them, or none where the only one is what is learned."""
    return found if len(found) > 1 else ()
