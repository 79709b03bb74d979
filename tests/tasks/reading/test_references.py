"""Several references: lists in a cell, numbered columns, columns that the recipe lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from tests.tasks.loading import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTEXT = "Ada Lovelace was born in London in 1815."
QUESTION: dict[str, Any] = {"question": "Where?", "context": CONTEXT}


def write(file: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """Thirty rows that are told apart by their last word, and what names them as all three splits."""
    rows = [
        {name: f"{cell} {i}" if name in {"prompt", "source"} else cell for name, cell in row.items()} for i in range(9)
    ]
    file.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf8")
    return dict.fromkeys(("train", "validation", "test"), file.name) | {"leaks": "keep"}


ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "numbered": ({"answer2": "born in London", "answer1": "London"}, {}),
    "one is missing": ({"answer_1": "London", "answer_2": None, "answer_3": "born in London"}, {}),
    "with offsets": (
        {"answer1": "London", "answer2": "born in London", "answer_start1": 25, "answer_start2": 17},
        {},
    ),
    "some are missing": (
        {
            "answer1": "",
            "answer2": "London",
            "answer3": "born in London",
            "answer_start1": 3,
            "answer_start2": None,
            "answer_start3": 17,
        },
        {},
    ),
    "offsets as text": (
        {"answer1": "London", "answer2": "born in London", "answer_start1": "25", "answer_start2": "17.0"},
        {},
    ),
    "named": (
        {"first": "London", "second": "born in London", "other": "x"},
        {"answers": ["first", "second"]},
    ),
    "inside": (
        {"gold": {"short": "London", "long": "born in London"}},
        {"answers": ["gold.short", "gold.long"]},
    ),
    "a list without offsets": ({"answers": ["London", "born in London"]}, {}),
    "objects without offsets": ({"answers": {"text": ["London", "born in London"]}}, {}),
    "a column inside": ({"answers": [{"text": "London"}, {"text": "born in London"}]}, {"answers": "answers.text"}),
}


@pytest.mark.parametrize("layout", ANSWERS)
def test_several_answers_of_a_question(tmp_path: Path, layout: str) -> None:
    cells, columns = ANSWERS[layout]
    loaded = load("question_answering", tmp_path, columns=columns, **write(tmp_path / "x.jsonl", QUESTION | cells))
    assert loaded.dataset.splits["test"][0].answers == (("London", 25), ("born in London", 17))
    assert not loaded.dataset.notes


def test_answers_that_all_are_missing_are_none_and_counted(tmp_path: Path) -> None:
    rows = [
        QUESTION | {"question": f"Where {i}?", "answer1": None if i == 3 else "London", "answer2": None}
        for i in range(9)
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    parts: dict[str, Any] = dict.fromkeys(("train", "validation", "test"), "x.jsonl") | {"leaks": "keep"}
    loaded = load("question_answering", tmp_path, **parts)
    assert [len(each.answers) for each in loaded.dataset.splits["test"]] == [1, 1, 1, 0, 1, 1, 1, 1, 1]
    assert "1 of 9 test questions have no answer and are not marked" in loaded.dataset.notes[-1]


@pytest.mark.parametrize(("answer", "times"), [("in", "2 times"), ("Paris", "0 times")])
def test_an_answer_whose_place_is_not_clear_is_refused(tmp_path: Path, answer: str, times: str) -> None:
    data = write(tmp_path / "x.jsonl", QUESTION | {"answer1": answer, "answer2": "London"})
    with pytest.raises(
        DataError, match=rf"x.jsonl:1: the answer '{answer}' is in the context {times}, and answer_start does not say"
    ):
        load("question_answering", tmp_path, **data)


TEXTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "summarization": ("summary", {"document": "A long text."}, "summary", "highlights"),
    "translation": ("target", {"source": "A text."}, "target", "reference"),
    "dialogue": ("completion", {"prompt": "How are you?"}, "response", "reply"),
}


@pytest.mark.parametrize("task", TEXTS)
@pytest.mark.parametrize("layout", ["list", "numbered", "named"])
def test_several_references_of_a_generated_text(tmp_path: Path, task: str, layout: str) -> None:
    column, row, usual, stem = TEXTS[task]
    layouts: dict[str, dict[str, Any]] = {
        "list": {usual: ["one", "two", "one"]},
        "numbered": {f"{stem}_2": "two", f"{stem}_1": "one", f"{stem}_10": None},
        "named": {"a": "one", "b": "two"},
    }
    cells = layouts[layout]
    columns: dict[str, Any] = {column: ["a", "b"]} if layout == "named" else {}
    loaded = load(task, tmp_path, columns=columns, **write(tmp_path / "x.jsonl", row | cells))
    example = loaded.dataset.splits["test"][0]
    assert (example.target, example.references) == ("one", ("one", "two"))
    assert not loaded.notes or layout == "numbered"


@pytest.mark.parametrize("cell", [[], [None], ["one", ""], [["one"]], ["one", 2], None, ""])
def test_a_row_without_a_text_is_bad(tmp_path: Path, cell: Any) -> None:
    data = write(tmp_path / "x.jsonl", {"document": "A long text.", "summary": cell})
    with pytest.raises(DataError, match=r"x.jsonl:1: summary should be a non-empty text"):
        load("summarization", tmp_path, **data)
