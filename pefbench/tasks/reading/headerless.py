"""Suggests options for tables whose first line is a row, as in AG News and CoLA."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from pefbench.sources.cells import is_missing
from pefbench.tasks.reading.choices import PLACES
from pefbench.tasks.reading.values import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import Row
    from pefbench.tasks import Task

LOOKED_AT = 200
"""How many rows are checked to see what a column holds."""
LONGEST_NAME = 40
"""Characters; a longer text is hardly a column's name."""
LABELS, SCORES = ("label",), ("score",)
LETTERS = "ABCDE"
"""Names of the right candidate in tables such as MMLU's: the question, one column per candidate, the answer."""
TEXTS = ("text", "pair")


def hint(task: Task, names: Sequence[str], rows: Sequence[Row]) -> str:
    """A hint for a missing column if the header may be a row, otherwise ""."""
    cells = {name: [row.values.get(name) for row in rows[:LOOKED_AT]] for name in names}
    numbered = all(name.isdecimal() for name in names)
    if not numbered and not _is_row(names, cells):
        return ""
    guessed = _questions(task, names, cells) or _guessed(task, names, cells)
    options = "".join(f" -o data.columns.{column}={at}" for column, at in guessed.items())
    if numbered:
        return f"; try{options}" if options else ""
    if options:
        return f"; if the first line is a row, try -o data.header=false{options}"
    return "; if the first line is a row, data.header=false numbers the columns from 0"


def _is_row(names: Sequence[str], cells: Mapping[str, Sequence[object]]) -> bool:
    """Whether names look like values: they are long, are numbers, or occur again in their columns."""
    if not all(isinstance(cell, str) for column in cells.values() for cell in column):
        return False  # not a text table
    return any(len(name) > LONGEST_NAME or name.isdecimal() or name in cells[name] for name in names)


def _questions(task: Task, names: Sequence[str], cells: Mapping[str, Sequence[object]]) -> dict[str, int]:
    """The columns of questions with one column per candidate, followed by a letter; empty if the table has none."""
    candidates = len(names) - 2
    if not {"context", *PLACES, "label"} <= task.columns.keys() or not 2 <= candidates <= len(PLACES):
        return {}
    if not {*cells[names[-1]]} <= {*LETTERS[:candidates]}:
        return {}
    between = {place: at for at, place in enumerate(PLACES[:candidates], start=1)}
    return {"context": 0, **between, "label": len(names) - 1}


def _guessed(task: Task, names: Sequence[str], cells: Mapping[str, Sequence[object]]) -> dict[str, int]:
    """The task's column -> the index of the column that fits best; empty if one is in doubt."""
    needed = [column for column in task.columns if column not in (*task.optional, *task.later)]
    texts = [column for column in needed if column in TEXTS]
    [*others] = [column for column in needed if column not in TEXTS]
    if len(others) != 1 or others[0] not in (*LABELS, *SCORES) or not texts:
        return {}
    columns = [[str(cell) for cell in cells[name]] for name in names]
    differing = [at for at, column in enumerate(columns) if 2 * len(set(column)) > len(column)]
    longest = sorted(differing, key=lambda at: -mean(map(len, columns[at] or [""])))[: len(texts)]
    rest = [at for at in range(len(names)) if at not in longest and not any(map(is_missing, columns[at]))]
    fits = _is_label if others[0] in LABELS else _is_score
    fitting = sorted((len(set(columns[at])), at) for at in rest if fits(columns[at]))
    if not fitting or len(longest) < len(texts):
        return {}
    return {others[0]: fitting[0][1], **dict(zip(texts, sorted(longest), strict=True))}


def _is_label(column: Sequence[str]) -> bool:
    return 1 < len(set(column)) < max(3, len(column) // 2)


def _is_score(column: Sequence[str]) -> bool:
    return all(number(cell) == number(cell) for cell in column)
