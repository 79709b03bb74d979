"""Question answering: answers must be at their stated positions, and a context stays in one split."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import BadRows, Row
from pefbench.tasks.question_answering import TASK
from tests.sources.amounts import files
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
        (
            {"text": ["Rome"], "answer_start": [90]},
            "the answer 'Rome' is not in the context at character 90, nor within 16",
        ),
        ({"text": ["o"], "answer_start": [11]}, "the answer 'o' is not in the context at character 11"),  # 8 or 14
        ({"text": ["."], "answer_start": [-1]}, "the answer '.' is not in the context at character -1"),
        ({"text": [""], "answer_start": [0]}, "the answer '' is not in the context"),
        ({"text": ["Rome"], "answer_start": []}, "answers should be"),
        (["Rome"], "the answer 'Rome' is in the context 2 times, and answer_start does not say which"),
        ({"text": ["Rome"], "answer_start": ["0"]}, "an answer should be a text and the number"),
        ("Rome", "the answer 'Rome' is in the context 2 times"),
        ("['Rome', f(1)]", "answers should be"),
        ("[" * 100_000, "answers should be"),
        ([["Rome", 0]], "answers should be"),
    ],
)
def test_a_bad_answer_is_named_or_left_out(answers: Any, why: str) -> None:
    with pytest.raises(DataError, match="x.json:3: ".replace(".", r"\.") + why):
        read(answers)
    assert read(answers, skip=True) == []


LAYOUTS: dict[str, Any] = {
    "hub": {"text": ["Rome", "big"], "answer_start": [13, 21]},
    "list of objects": [{"text": "Rome", "answer_start": 13}, {"text": "big", "answer_start": 21}],
    "JSON of the hub's": '{"text": ["Rome", "big"], "answer_start": [13, 21]}',
    "JSON of a list": '[{"text": "Rome", "answer_start": 13}, {"answer_start": 21.0, "text": "big"}]',
    "Python": "{'text': ['Rome', 'big'], 'answer_start': [13, 21]}",
    "numpy": "{'text': array(['Rome', 'big'], dtype=object), 'answer_start': array([13, 21])}",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_answers(layout: str) -> None:
    [example] = read(LAYOUTS[layout])
    assert example.answers == (("Rome", 13), ("big", 21))


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("answers.text,answers.answer_start", "\"['Rome', 'big']\",\"[13, 21]\""),
        ("answer,answer_start", "Rome,13"),
        ("answers,is_impossible", '"[{""text"": ""Rome"", ""answer_start"": 13}]",False'),
        ("answers,is_impossible", "\"{'text': ['Rome'], 'answer_start': [13]}\",0"),
    ],
)
def test_columns_of_a_table(tmp_path: Path, header: str, cells: str) -> None:
    for split in ("train", "validation", "test"):
        text = f'question,context,{header}\nWhich {split}?,"{CONTEXT}",{cells}\n'
        (tmp_path / f"{split}.csv").write_text(text, encoding="utf8")
    parts: dict[str, Any] = {split: f"{split}.csv" for split in ("train", "validation", "test")}
    loaded = loading.load("question_answering", tmp_path, leaks="keep", **parts)
    assert loaded.dataset.splits["test"][0].answers[0] == ("Rome", 13)
    assert not loaded.notes
    assert not loaded.dataset.notes


def test_names_inside_a_column(tmp_path: Path) -> None:
    row = {"q": {"text": "Which?"}, "context": CONTEXT, "gold": {"spans": [{"t": "Rome", "at": 13}], "by": "x"}}
    (tmp_path / "x.jsonl").write_text((json.dumps(row) + "\n") * 30, encoding="utf8")
    columns = {"question": "q.text", "answers": "gold.spans.t", "starts": "gold.spans.at"}
    parts: dict[str, Any] = dict.fromkeys(("train", "validation", "test"), "x.jsonl")
    loaded = loading.load("question_answering", tmp_path, leaks="keep", columns=columns, **parts)
    example = loaded.dataset.splits["test"][0]
    assert (example.question, example.answers) == ("Which?", (("Rome", 13),))
    assert not loaded.notes


def read_with_notes(*given: tuple[Any, str]) -> tuple[list[Any], list[str]]:
    """Read answers, each with its context."""
    rows = [
        Row({"question": f"Which {at}?", "context": context, "answers": answers}, "x.json", at + 1)
        for at, (answers, context) in enumerate(given)
    ]
    dataset = TASK.read({"train": rows}, BadRows(), **TASK.options().model_dump())
    return [example.answers for example in dataset.splits["train"]], list(dataset.notes)


def test_answers_near_their_offset_are_found_and_counted() -> None:
    found, notes = read_with_notes(
        ({"text": ["Rome"], "answer_start": [0]}, CONTEXT),
        ({"text": ["Rome", "big"], "answer_start": [1, 23]}, CONTEXT),
        ({"text": ["Rome"], "answer_start": [10]}, CONTEXT),
        ({"text": ["caf\u00e9  NOIR"], "answer_start": [2]}, "A cafe\u0301\u00a0noir, please"),
        ({"text": ["d'or"], "answer_start": [3]}, "le d\u2019or"),
    )
    assert found == [
        (("Rome", 0),),
        (("Rome", 0), ("big", 21)),
        (("Rome", 13),),
        (("cafe\u0301\u00a0noir", 2),),
        (("d\u2019or", 3),),
    ]
    assert notes == [
        "5 train answers are not at their offset and were found within 16 characters of it, the first at x.json:2"
    ]


WORDS = st.lists(st.text("ab\u00e9\u6771", min_size=1, max_size=5), min_size=3, max_size=12)


@settings(max_examples=files(100), deadline=None)
@given(words=WORDS, at=st.integers(0, 11), off=st.integers(-16, 16), changed=st.booleans())
def test_an_answer_that_stands_once_is_found_from_any_offset_nearby(
    words: list[str], at: int, off: int, *, changed: bool
) -> None:
    words[at % len(words)] = "Answer\u2019s e\u0301nd"
    context = " ".join(words)
    start = context.index("Answer")
    text = "answer's \u00c9ND" if changed else words[at % len(words)]
    if start + off < 0:
        off = 0
    found, notes = read_with_notes(({"text": [text], "answer_start": [start + off]}, context))
    assert found == [((words[at % len(words)], start),)]
    assert len(notes) == (changed or off != 0)


@pytest.mark.parametrize("missing", [None, float("nan"), "", {"text": None, "answer_start": None}])
def test_missing_answers_are_counted_as_none(missing: Any) -> None:
    right = {"text": ["Rome"], "answer_start": [0]}
    found, notes = read_with_notes((right, CONTEXT), (missing, CONTEXT), ([], CONTEXT))
    assert found == [(("Rome", 0),), (), ()]
    [note] = notes
    assert note.startswith("1 of 3 train questions have no answer and are not marked as unanswerable; they are read")
    assert note.endswith("the first x.json:2")
    with pytest.raises(DataError, match=r"x.json:1: no question of the train split has an answer, and none says"):
        read_with_notes((missing, CONTEXT), (missing, CONTEXT))


def test_a_question_that_is_marked_has_no_answer() -> None:
    row = Row({"question": "Q?", "context": CONTEXT, "answers": "Rome", "starts": "0", "impossible": "True"}, "x", 1)
    dataset = TASK.read({"train": [row]}, BadRows(), **TASK.options().model_dump())
    assert dataset.splits["train"][0].answers == ()
    assert not dataset.notes


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


def test_an_answer_in_a_table_may_be_a_number(tmp_path: Path) -> None:
    rows = "".join(f"{split},When?,In 1999 {split},1999,3\n" for split in ("train", "validation", "test"))
    (tmp_path / "x.csv").write_text(f"id,question,context,answer,answer_start\n{rows}", encoding="utf8")
    parts: dict[str, Any] = dict.fromkeys(("train", "validation", "test"), "x.csv")
    [example, *_] = loading.load("question_answering", tmp_path, leaks="keep", **parts).dataset.splits["test"]
    assert example.answers == (("1999", 3),)
