"""Questions: answers must stand where they are said to, and a context stays on one side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, Row
from pefbench.tasks.question_answering import TASK
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = "Rome is old, Rome is big."


def read(answers: Any, *, question: Any = "Which city?", skip: bool = False) -> list[Any]:
    row = Row({"question": question, "context": CONTEXT, "answers": answers}, "x.json", 3)
    return list(TASK.read({"train": [row]}, BadRows(skip=skip), **TASK.options().model_dump()).splits["train"])


def test_answers_are_texts_and_places_each_once() -> None:
    [example] = read({"text": ["Rome", "Rome", "Rome"], "answer_start": [0, 13, 0]})
    assert example.answers == (("Rome", 0), ("Rome", 13))


def test_no_answer_is_an_answer() -> None:
    [example] = read({"text": [], "answer_start": []})
    assert example.answers == ()


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"text": ["Rome"], "answer_start": [1]}, "the answer 'Rome' is not in the context at character 1"),
        ({"text": ["."], "answer_start": [-1]}, "the answer '.' is not in the context at character -1"),
        ({"text": [""], "answer_start": [0]}, "the answer '' is not in the context"),
        ({"text": ["Rome"], "answer_start": []}, "answers should be"),
        ({"text": "Rome", "answer_start": 0}, "answers should be"),
        (["Rome"], "answers should be"),
        ({"text": ["Rome"], "answer_start": ["0"]}, "an answer should be a text and the number"),
    ],
)
def test_a_bad_answer_is_named_or_left_out(answers: Any, why: str) -> None:
    with pytest.raises(DataError, match="x.json:3: ".replace(".", r"\.") + why):
        read(answers)
    assert read(answers, skip=True) == []


def test_a_question_must_be_asked() -> None:
    with pytest.raises(DataError, match=r"x\.json:3: question should be a non-empty text, got 'None'"):
        read({"text": [], "answer_start": []}, question=None)


def test_all_questions_on_a_context_lie_on_one_side(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {i}?", "context": f"text {c} is {i}", "answers": {"text": ["text"], "answer_start": [0]}}
        for c, i in enumerate(range(60))
    ]
    rows += [row | {"question": "And what else?"} for row in rows]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    splits = loading.load("question_answering", tmp_path / "x.jsonl").dataset.splits
    contexts = {split: {example.context for example in members} for split, members in splits.items()}
    assert sum(map(len, contexts.values())) == 60
    assert sum(map(len, splits.values())) == 120
