"""Joins several columns of a source into one of the task's: numbered answers, a column of 0 and 1 for each label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pefbench.tasks.reading.columns import PAIRS, found_columns, missing_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row, Rows
    from pefbench.tasks import Several, Task
    from pefbench.tasks.reading.columns import Choice, Named

SHOWN = 12
"""How many columns a note names."""


class Joined(NamedTuple):
    """A table with one column in place of several.

    named: the recipe's columns, without lists. parts: the columns that were joined.
    """

    rows: Rows
    named: Named
    parts: Sequence[str]


def joined(task: Task, chosen: Choice, rows: Rows, bad: BadRows) -> Joined:
    """Join several columns into one: those that the recipe lists, or those that are found without it.

    A row with invalid cells is a bad row. Raises DataError for a missing column.
    """
    parts: list[str] = []
    for column, several in task.several.items():
        members = _members(task, chosen, column, several, rows)
        if members:
            name = f"{members[0]}..{members[-1]}"
            rows = _with(rows, name, members, several, bad)
            if column not in chosen:
                rows = replace(rows, notes=(*rows.notes, f"{column}: the columns {_listing(members)}"))
            chosen = {**chosen, column: name}
            parts += members
    return Joined(rows, {column: name for column, name in chosen.items() if not isinstance(name, list)}, parts)


def _members(task: Task, chosen: Choice, column: str, several: Several, rows: Rows) -> Sequence[str]:
    """The columns to join into one of the task's; none if a single column is named or has a usual name."""
    named = chosen.get(column)
    if isinstance(named, list):
        found = {name: found_columns([name], rows.columns) for name in named}
        if lacking := next((name for name, there in found.items() if not there), None):
            raise missing_column(column, repr(lacking), rows.columns)
        return [there[0] for there in found.values()]
    if named is not None or found_columns(task.columns[column], rows.columns):
        return ()
    return several.find(rows.rows, [name for name in rows.columns if name not in _others(task, chosen, column)])


def _others(task: Task, chosen: Mapping[str, object], column: str) -> set[object]:
    """The names, given or usual, of the task's other columns."""
    usual = {name for other, names in task.columns.items() if other != column for name in names}
    texts = {name for pair in PAIRS for name in pair} if "pair" in task.columns else set()
    return usual | texts | {name for other, name in chosen.items() if other != column and not isinstance(name, list)}


def _with(rows: Rows, name: str, members: Sequence[str], several: Several, bad: BadRows) -> Rows:
    def read(row: Row) -> Row:
        return replace(row, values=row.values | {name: several.join(row, members)})

    return replace(rows, columns=(*rows.columns, name), rows=bad.good(rows.rows, read))


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name[:40] for name in names[:SHOWN]) + more
