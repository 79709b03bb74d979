"""Markup of annotation tools is removed; texts that nobody accepted are left out and counted."""

from __future__ import annotations

from typing import Any

from pefbench.sources.annotated import unwrapped
from pefbench.sources.documents import from_objects
from pefbench.sources.offsets import with_tags
from pefbench.sources.rows import BadRows, Rows

PERSON = {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}


def table(*objects: dict[str, Any]) -> Rows:
    return from_objects(enumerate(objects, start=1), "x.json", BadRows())


def result(name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": kind, "value": value}


def task(text: str, *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"text": text, "source": "web"}, "annotations": [{"result": [*results], **more}]}


def test_tasks_of_label_studio_are_texts_with_spans_and_choices() -> None:
    span, choice = result("label", "labels", PERSON), result("mood", "choices", {"choices": ["glad"]})
    several = result("mood", "choices", {"choices": ["glad", "sad"]})
    found = unwrapped(table(task("Ada ran.", span, choice), task("It ran.", several), task("No.")), BadRows())
    assert found.columns == ("text", "source", "label", "mood")
    assert [row.values for row in found.rows] == [
        {"text": "Ada ran.", "source": "web", "label": [PERSON], "mood": "glad"},
        {"text": "It ran.", "source": "web", "label": [], "mood": ["glad", "sad"]},
        {"text": "No.", "source": "web", "label": [], "mood": None},
    ]
    assert found.notes == ("tasks of Label Studio",)
    tagged = with_tags(found, {}, BadRows()).rows
    assert [row.values["tags"] for row in tagged][:2] == [["B-PER", "O", "O"], ["O", "O", "O"]]


def test_a_task_that_nobody_or_two_annotated_is_a_bad_row() -> None:
    twice = task("Ada ran.", result("label", "labels", PERSON))
    twice["annotations"] *= 2
    bad = BadRows(skip=True)
    cancelled = task("It.", was_cancelled=True)
    found = unwrapped(table(task("Ada.", result("label", "labels", PERSON)), twice, cancelled), bad)
    assert [row.line for row in found.rows] == [1]
    assert bad.found == [
        "x.json:2: a Label Studio task with 2 annotations instead of one",
        "x.json:3: a Label Studio task with 0 annotations instead of one",
    ]


def test_what_prodigys_user_rejected_is_left_out_and_counted() -> None:
    given = [{"text": str(at), "answer": answer, "_input_hash": at} for at, answer in enumerate(("accept", "reject"))]
    found = unwrapped(table(*given), BadRows())
    assert [row.line for row in found.rows] == [1]
    assert found.notes == ("1 row that the annotator rejected or ignored",)


def test_other_tables_stay_as_they_are() -> None:
    for row in ({"data": 1, "annotations": []}, {"text": "a", "answer": "reject"}, {"data": {}, "annotations": [1]}):
        given = table(row)
        assert unwrapped(given, BadRows()) is given
