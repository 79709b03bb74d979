"""Splits questions to train the intent model, to choose the rule and to measure it; groups stay together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pefbench.apps.assistant import csv_file
from pefbench.apps.assistant.answering import OUT_OF_SCOPE
from pefbench.errors import DataError
from pefbench.sources import Row, is_missing, read_rows, split_by_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.apps.assistant.knowledge import Entry

FRACTIONS = {"train": 0.5, "validation": 0.3, "test": 0.2}
"""Much is held out for the rule: an intent model needs fewer questions than it takes to show that few are wrong."""
MOST = 700
"""The most questions of validation and of test: at 5 % wrong, the interval is about ± 1.6 percentage points."""


class Question(NamedTuple):
    """A held-out question.

    answers: the correct ones; none if it is out of scope. group: as for an entry.
    """

    text: str
    intent: str
    answers: frozenset[str]
    group: str


class Questions(NamedTuple):
    """known: the entries of the training split, which form the index while the rule is chosen."""

    known: list[Entry]
    validation: list[Question]
    test: list[Question]


def split(entries: Sequence[Entry], outside: Sequence[str]) -> dict[str, list[Row]]:
    """Split entries and texts out of scope: rows with text, label, answer and group."""
    rows = [
        Row({"text": each.question, "label": each.intent, "answer": each.answer, "group": each.group}, each.source, i)
        for i, each in enumerate(entries)
    ]
    rows += [Row({"text": text, "label": OUT_OF_SCOPE, "answer": "", "group": text}, "", 0) for text in outside]
    return split_by_hash(rows, lambda row: str(row.values["group"]), FRACTIONS)


def write(folder: Path, splits: dict[str, list[Row]]) -> None:
    """Write the intent model's data: train.csv, validation.csv and test.csv.

    An intent without a question in the training split is left out of the others.
    """
    taught = {str(row.values["label"]) for row in splits["train"]}
    for name, rows in splits.items():
        pairs = [(row.values["text"], row.values["label"]) for row in rows]
        csv_file.write(folder / f"{name}.csv", ("text", "label"), [pair for pair in pairs if str(pair[1]) in taught])


def questions(entries: Sequence[Entry], outside: Sequence[str]) -> Questions:
    """The held-out questions, and the entries that are known when they are answered."""
    splits = split(entries, outside)
    known = {str(row.values["group"]) for row in splits["train"]}
    return Questions(
        [each for each in entries if each.group in known],
        [_question(row) for row in _spread(splits["validation"])],
        [_question(row) for row in _spread(splits["test"])],
    )


def read_outside(file: Path) -> list[str]:
    """Texts that are out of scope, from a table with a column `text`. Raises DataError if it has none."""
    rows = read_rows(f"file:{file}").rows
    for row in rows:
        if "text" not in row.values:
            raise DataError(f"{row.where}: has no column text; its columns are: {', '.join(map(str, row.values))}")
    return [str(row.values["text"]) for row in rows if not is_missing(row.values["text"])]


def _question(row: Row) -> Question:
    values = row.values
    answers = frozenset({str(values["answer"])} if values["answer"] else ())
    return Question(str(values["text"]), str(values["label"]), answers, str(values["group"]))


def _spread(rows: Sequence[Row]) -> list[Row]:
    """At most MOST rows, of which the same share is out of scope; groups take turns, since copies tell little."""
    if len(rows) <= MOST:
        return list(rows)
    inside = [row for row in rows if row.values["answer"]]
    outside = [row for row in rows if not row.values["answer"]]
    most = round(MOST * len(inside) / len(rows))
    return [*_in_turn(inside, most), *_in_turn(outside, MOST - most)]


def _in_turn(rows: Sequence[Row], most: int) -> list[Row]:
    """The first row of each group, then the second of each, and so on; of the last round, rows evenly spread."""
    rounds: list[list[Row]] = []
    seen = Counter[str]()
    for row in rows:
        group = str(row.values["group"])
        if seen[group] == len(rounds):
            rounds.append([])
        rounds[seen[group]].append(row)
        seen[group] += 1
    found: list[Row] = []
    for each in rounds:
        left = min(len(each), most - len(found))
        found += [each[i * len(each) // left] for i in range(left)]
    return found
