"""Preference pairs and Dolly's contexts, as dialogue reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from tests.sources.refusals import refusal
from tests.tasks.loading import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPLITS = {"train": "train.jsonl", "validation": "validation.jsonl", "test": "test.jsonl"}
NAMED: dict[str, Any] = {**SPLITS, "leaks": "keep"}
LEARNED = "preference pairs: the chosen answers are learned"
REJECTED = "columns not read: rejected"
HI, HELLO = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
AGAIN = {"role": "user", "content": "Again"}
WHAT = {"role": "assistant", "content": "What"}


def written(folder: Path, row: dict[str, Any]) -> Path:
    for file in SPLITS.values():
        (folder / file).write_text(f"{json.dumps(row)}\n", encoding="utf8")
    return folder


def read(folder: Path, row: dict[str, Any], **data: Any) -> tuple[list[Any], Sequence[str]]:
    """The prompt of training's only example with what stands before it, its answer, and the notes."""
    corpus = load("dialogue", written(folder, row), **NAMED, **data)
    [found] = corpus.dataset.splits["train"]
    asked = [*(text for _, text in found.history), f"{found.instruction}{found.prompt}"]
    return [asked, found.target], [*corpus.notes, *corpus.dataset.notes]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello", "rejected": "What"},
        {"instruction": "Hi", "chosen": "Hello", "rejected": "What"},
        {"chosen": [HI, HELLO], "rejected": [HI, WHAT]},
        {"chosen": json.dumps([HI, HELLO]), "rejected": json.dumps([HI, WHAT])},
        {"prompt": "Hi", "chosen": [HI, HELLO], "rejected": [HI, WHAT]},
        {"prompt": "Hi", "chosen": [HELLO], "rejected": [WHAT]},
        {"prompt": [HI], "chosen": [HELLO], "rejected": [WHAT]},
        {"conversations": [HI], "chosen": HELLO, "rejected": WHAT},
    ],
)
def test_the_chosen_answer_of_a_preference_pair_is_learned(tmp_path: Path, row: dict[str, Any]) -> None:
    found, notes = read(tmp_path, row)
    assert found == [["Hi"], "Hello"]
    assert notes == [LEARNED, REJECTED]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [AGAIN, HELLO], "chosen": [HI, WHAT], "rejected": [HI, WHAT]},
        {"prompt": "Again", "completion": "Hello", "chosen": "What", "rejected": "What"},
    ],
)
def test_it_is_not_where_what_is_learned_has_a_column(tmp_path: Path, row: dict[str, Any]) -> None:
    found, notes = read(tmp_path, row)
    assert found == [["Again"], "Hello"]
    assert notes == ["columns not read: chosen, rejected"]


def test_nor_where_the_recipe_names_the_answer(tmp_path: Path) -> None:
    row = {"prompt": "Hi", "chosen": "Hello", "rejected": "What"}
    found, notes = read(tmp_path, row, columns={"completion": "rejected"})
    assert found == [["Hi"], "What"]
    assert notes == ["columns not read: chosen"]


def test_conversations_in_one_text_are_refused_with_the_right_form(tmp_path: Path) -> None:
    row = {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: What"}
    assert refusal(DataError, load, "dialogue", written(tmp_path, row), **NAMED) == (
        "train.jsonl: 'chosen' holds texts and no column a prompt; write conversations as lists of {role, content}, or "
        "each as a prompt and its answer"
    )


def test_a_context_is_the_input_of_its_instruction(tmp_path: Path) -> None:
    row = {"instruction": "Hi", "context": "Oslo", "response": "Hello", "category": "qa"}
    found, notes = read(tmp_path, row)
    assert found == [["Hi\nOslo"], "Hello"]
    assert notes == ["context is read as the input", "columns not read: category"]
    found, _ = read(tmp_path, row | {"context": ""})
    assert found == [["Hi"], "Hello"]


def test_a_context_beside_a_question_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    found, notes = read(tmp_path, {"question": "Hi", "context": "Oslo", "answer": "Hello"})
    assert found == [["Hi"], "Hello"]
    assert notes == ["columns not read: context"]
