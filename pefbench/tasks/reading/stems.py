"""Reads questions in the layouts of the original files of ARC, CommonsenseQA, SciQ and TruthfulQA.

::

    {"question": {"stem": "Which?", "choices": [{"text": "x", "label": "A"}, ...]}, "answerKey": "A"}
    {"question": "Which?", "correct_answer": "x", "distractor1": "y", "distractor2": "z", "distractor3": "v"}
    {"question": "Which?", "mc1_targets": {"choices": ["x", "y"], "labels": [1, 0]}}
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pefbench.sources import Row, Rows

QUESTION, CANDIDATES, LABEL = "question", "candidates", "label"
RIGHT, WRONG, ONE = "correct_answer", ("distractor1", "distractor2", "distractor3"), "mc1_targets"


def for_choices(table: Rows, named: Mapping[str, object]) -> Rows:
    """Put the candidates of these layouts into one column; other tables, and those with named columns, stay as is."""
    if named or not table.rows:
        return table
    first = table.rows[0].values
    if isinstance(first.get(QUESTION), dict) and {"stem", "choices"} <= first[QUESTION].keys():
        return _changed(table, _stem, (QUESTION,), (QUESTION, CANDIDATES))
    if {RIGHT, WRONG[0]} <= {*table.columns}:
        return _changed(table, _distractors, (RIGHT, *WRONG), (CANDIDATES, LABEL))
    if isinstance(first.get(ONE), dict):
        return _changed(table, _targets, (ONE,), (CANDIDATES, LABEL))
    return table


def _stem(row: Row) -> dict[str, object]:
    question = row.values[QUESTION]
    choices = question.get("choices") if isinstance(question, dict) else None
    if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
        return {QUESTION: None, CANDIDATES: None}
    texts, labels = ([each.get(key) for each in choices] for key in ("text", "label"))
    return {QUESTION: question.get("stem"), CANDIDATES: {"text": texts, "label": labels}}


def _distractors(row: Row) -> dict[str, object]:
    return {CANDIDATES: [row.values[name] for name in (RIGHT, *WRONG) if row.values.get(name)], LABEL: 0}


def _targets(row: Row) -> dict[str, object]:
    """The candidates, and the index of the right one."""
    found = row.values[ONE]
    choices, labels = (found.get(key) for key in ("choices", "labels")) if isinstance(found, dict) else (None, None)
    is_one = isinstance(labels, list) and labels.count(1) == 1
    return {CANDIDATES: choices, LABEL: labels.index(1) if isinstance(labels, list) and is_one else None}


def _changed(table: Rows, read: Callable[[Row], dict[str, object]], old: tuple[str, ...], new: tuple[str, ...]) -> Rows:
    kept = [name for name in table.columns if name not in (*old, *new)]
    rows = [replace(row, values={**{name: row.values[name] for name in kept}, **read(row)}) for row in table.rows]
    return replace(table, columns=(*kept, *new), rows=rows)
