"""Rows that belong together: by a column that the recipe names, or by the documents that a format marks.

They stay in one split if a file is split here, and their examples form one cluster: see `Answers.clusters`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench import sources
from pefbench.errors import DataError, counted
from pefbench.remarks import Odd
from pefbench.sources.cells import clean_name, excerpt
from pefbench.tasks.reading.columns import found_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row, Rows

DOCUMENT = "document"
"""The name, for `data.group`, of what a format marks as a document, if no column has this name."""
WHOLE = re.compile(r"(-?\d+)\.0", re.ASCII)
"""A whole number with the point that a column with gaps adds to it."""
BOOLEANS = {"True": "true", "False": "false"}
"""Booleans as Python writes them, also into CSV files, and as JSON does."""
LONGEST = 40
"""How many characters of a name or a value a message shows."""


def grouped(table: Rows, name: str | int, bad: BadRows) -> tuple[Rows, str | None]:
    """Rows with their groups, and the column that has them; None: they are the documents that the format marks.

    A row whose cell is empty has no group; one whose cell has several values is a bad row. Raises DataError for a
    column that does not exist.
    """
    nested = sources.unnest(table, [name] if isinstance(name, str) else [])
    columns = found_columns([name, str(name)], nested.columns)  # a column that is named 2024 is a number in YAML
    if not columns:
        if name != DOCUMENT or not any(row.document for row in table.rows):
            raise _missing(table, name)
        return replace(table, rows=[replace(row, group=_written(row.document)) for row in table.rows]), None
    rows = []
    for row, with_cell in zip(table.rows, nested.rows, strict=True):
        try:
            rows.append(replace(row, group=_value(row.where, columns[0], with_cell.values[columns[0]])))
        except DataError as error:
            bad(error)
    return replace(table, rows=rows), columns[0]


def _missing(table: Rows, name: str | int) -> DataError:
    there = ", ".join(each[:LONGEST] for each in table.columns)
    marked = f", and {DOCUMENT} for the documents that it marks" if any(row.document for row in table.rows) else ""
    file = f"{table.rows[0].file}: " if table.rows else ""
    return DataError(f"{file}data.group: no column {name!r}; the columns are: {there}{marked}")


def _value(where: str, column: str, cell: Any) -> str:
    """A cell as a group's name. The list of a sentence's words, in a file with a word on each line, may repeat one."""
    cells = cell if isinstance(cell, list) else [cell]
    found = {_written(each) for each in cells if not sources.is_missing(each)}
    if len(found) > 1 or any(isinstance(each, list | dict) for each in cells):
        raise DataError(f"{where}: {column!r}, the group, should be one name or number, got {excerpt(cell, 60)!r}")
    return found.pop() if found else ""


def _written(value: object) -> str:
    """A value as text, however its letters, white space, whole numbers and booleans are written."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    text = clean_name(unicodedata.normalize("NFC", text))
    whole = WHOLE.fullmatch(text)
    return whole[1] if whole else BOOLEANS.get(text, text)


def notes(splits: Mapping[str, Sequence[Row]], shown: str) -> list[str]:
    """Notes on the number of groups, and a warning about those that are in several splits.

    shown: the recipe's name for them. Raises DataError if there are none, or only one, which cannot be split or judged.
    """
    groups = {split: Counter(row.group for row in rows if row.group) for split, rows in splits.items()}
    times, rows = sum(groups.values(), Counter[str]()), sum(map(len, splits.values()))
    if not times:
        raise DataError(f"data.group: {shown!r} is empty in every row")
    if len(times) == 1 and times.total() == rows:
        value = next(iter(times))
        raise DataError(f"data.group: {shown!r} is {value[:LONGEST]!r} in every row; it should tell rows apart")
    if len(times) == rows:
        return [f"data.group: {shown!r} is different in every row, so that no rows belong together"]
    sizes = ", ".join(f"{split} {len(found):,}" for split, found in groups.items())
    told = [f"groups of rows, by {shown!r}: {sizes}"]
    if alone := rows - times.total():
        told.append(f"{counted(alone, 'row')} without {shown!r}, each a group of its own")
    return [*told, *_in_several(splits, groups, shown)]


def few(splits: Mapping[str, Sequence[Row]], shown: str) -> list[str]:
    """A reason for an empty split: fewer groups than splits, by what their hash depends on; otherwise empty."""
    found = {row.group or id(row) for rows in splits.values() for row in rows}
    alike = {sources.normalise(group) if isinstance(group, str) else group for group in found}
    if len(alike) >= len(splits):
        return []
    but = ", but for case and punctuation" if len(alike) < len(found) else ""
    return [f"rows with the same {shown!r} stay together, and it has only {counted(len(alike), 'value')}{but}"]


def _in_several(splits: Mapping[str, Sequence[Row]], groups: Mapping[str, Mapping[str, int]], shown: str) -> list[str]:
    """A warning about groups that are in more than one split."""
    times = Counter(group for found in groups.values() for group in found)
    several = [group for group, number in times.items() if number > 1]
    if not several:
        return []
    first = [next((row.where for row in rows if row.group == several[0]), None) for rows in splits.values()]
    return [
        Odd(
            f"data.group: {len(several):,} of {len(times):,} values of {shown!r} are in more than one split, such as "
            f"{several[0][:LONGEST]!r} ({' and '.join(filter(None, first))}); scores may be higher than on other groups"
        )
    ]
