"""Output of annotation tools: tasks of Label Studio, and rows that Prodigy's users rejected.

A task in Label Studio's JSON has its texts under ``data`` and their annotations under ``annotations``::

    {"data": {"text": "Ada ran."}, "annotations": [{"result": [{"from_name": "label", "type": "labels",
     "value": {"start": 0, "end": 3, "labels": ["PER"]}}]}]}

It is read as a row with the columns ``text`` and ``label``, as in the tool's own JSON_MIN.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, counted

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Row, Rows, Values

DATA, ANNOTATIONS = "data", "annotations"
LABELS, CHOICES = "labels", "choices"
"""The types of annotations of a span, and of the whole text."""
ANSWER, HASH = "answer", "_input_hash"
DECLINED = ("reject", "ignore")


def unwrapped(table: Rows, bad: BadRows) -> Rows:
    """Turn a table of tasks into one of texts and annotations, without rejected rows; leave other tables unchanged."""
    if {DATA, ANNOTATIONS} <= {*table.columns} and all(_is_task(row.values) for row in table.rows):
        return _tasks(table, bad)
    if {ANSWER, HASH} <= {*table.columns}:
        return _accepted(table)
    return table


def _is_task(values: Values) -> bool:
    annotations = values[ANNOTATIONS]
    return (
        isinstance(values[DATA], dict)
        and isinstance(annotations, list)
        and all(isinstance(each, dict) and isinstance(each.get("result"), list) for each in annotations)
    )


def _tasks(table: Rows, bad: BadRows) -> Rows:
    texts = dict.fromkeys(name for row in table.rows for name in row.values[DATA])
    marked = {
        str(result.get("from_name")): str(result.get("type"))
        for row in table.rows
        for annotation in row.values[ANNOTATIONS]
        for result in annotation["result"]
        if isinstance(result, dict) and result.get("type") in (LABELS, CHOICES)
    }
    columns = (*(name for name in texts if name not in marked), *marked)
    rows = bad.good(table.rows, lambda row: _task(row, columns, marked))
    return replace(table, columns=columns, rows=rows, notes=(*table.notes, "tasks of Label Studio"))


def _task(row: Row, columns: tuple[str, ...], marked: dict[str, str]) -> Row:
    """The row of a task. Raises DataError unless it has exactly one annotation."""
    done = [each for each in row.values[ANNOTATIONS] if not each.get("was_cancelled")]
    if len(done) != 1:
        raise DataError(f"{row.where}: a Label Studio task with {counted(len(done), 'annotation')} instead of one")
    found: dict[str, list[Any]] = {name: [] for name in marked}
    for result in done[0]["result"]:
        name = str(result.get("from_name")) if isinstance(result, dict) else ""
        if name in marked and isinstance(value := result.get("value"), dict):
            found[name] += [value] if marked[name] == LABELS else value.get(CHOICES) or []
    values = {name: row.values[DATA].get(name) for name in columns}
    for name, kind in marked.items():
        several = kind == LABELS or len(found[name]) > 1
        values[name] = found[name] if several else next(iter(found[name]), None)
    return replace(row, values=values)


def _accepted(table: Rows) -> Rows:
    kept = [row for row in table.rows if row.values[ANSWER] not in DECLINED]
    declined = len(table.rows) - len(kept)
    notes = [f"{counted(declined, 'row')} that the annotator rejected or ignored"] if declined else []
    return replace(table, rows=kept, notes=(*table.notes, *notes))
