"""Preference pairs, Dolly's contexts and turns without roles, read as dialogue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.tasks.reading.speakers import SPEAKERS_NOTE, TEXTS_NOTE
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


DIVIDED = "conversations in one text are split into turns at the speakers' names"


@pytest.mark.parametrize(
    "text",
    [
        "### Human: Hi### Assistant: Again### Human: {}### Assistant: Hello",  # Guanaco
        "### Instruction:\nHi\n\n### Response:\nAgain\n\n### Instruction:\n{}\n\n### Response:\nHello",
        "\n\nHuman: Hi\n\nAssistant: Again\n\nHuman: {}\n\nAssistant: Hello",
        (
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nAgain<|im_end|>\n"
            "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
        ),
        "<s>[INST] Hi [/INST] Again </s><s>[INST] {} [/INST] Hello </s>",
    ],
)
def test_conversations_in_one_text_are_divided_into_turns(tmp_path: Path, text: str) -> None:
    said = "Is it 5: or\n6?"
    corpus = load("dialogue", written(tmp_path, {"text": text.format(said), "id": 1}), **NAMED)
    found = [([told for _, told in each.history], each.prompt, each.target) for each in corpus.dataset.splits["train"]]
    assert found == [([], "Hi", "Again"), (["Hi", "Again"], said, "Hello")]
    assert corpus.notes == [DIVIDED, "columns not read: id"]


def test_the_system_message_of_llama_2_is_one(tmp_path: Path) -> None:
    row = {"text": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s>"}
    found, _ = read(tmp_path, row)
    assert found == [["Be brief.", "Hi"], "Hello"]


def test_anthropics_pairs_are_transcripts(tmp_path: Path) -> None:
    row = {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: What"}
    found, notes = read(tmp_path, row)
    assert found == [["Hi"], "Hello"]
    assert notes == [DIVIDED, LEARNED, REJECTED]


def test_a_transcript_without_turns_is_a_bad_row(tmp_path: Path) -> None:
    rows = ["### Human: Hi### Assistant: Hello"] * 2 + ["Hi there"]
    for file in SPLITS.values():
        lines = "".join(json.dumps({"text": text}) + "\n" for text in rows)
        (tmp_path / file).write_text(lines, encoding="utf8")
    message = refusal(DataError, load, "dialogue", tmp_path, **NAMED)
    assert message.startswith("train.jsonl:3: messages should be a list of {role, content}")
    corpus = load("dialogue", tmp_path, **NAMED, on_bad_row="skip")
    assert len(corpus.dataset.splits["train"]) == 2


def test_alpacas_text_begins_with_an_introduction(tmp_path: Path) -> None:
    row = {"text": "Below is an instruction.\n\n### Instruction:\nHi\n\n### Response:\nHello"}
    found, _ = read(tmp_path, row)
    assert found == [["Below is an instruction.", "Hi"], "Hello"]


def test_a_text_alone_is_refused_with_the_right_form(tmp_path: Path) -> None:
    message = refusal(DataError, load, "dialogue", written(tmp_path, {"text": "Hi. Hello."}), **NAMED)
    assert message.startswith("train.jsonl: 'text' says neither what is replied to nor the reply; write conversations")
    assert message.endswith("'### Human: ... ### Assistant: ...'")


def test_messages_as_python_writes_them_are_read(tmp_path: Path) -> None:
    found, _ = read(tmp_path, {"messages": str([HI, HELLO])})
    assert found == [["Hi"], "Hello"]


def test_conversations_that_differ_in_their_images_are_no_duplicates(tmp_path: Path) -> None:
    for split, file in SPLITS.items():
        shown = {"role": "user", "content": [{"type": "image_url", "image_url": split}]}
        (tmp_path / file).write_text(json.dumps({"messages": [shown, HELLO]}) + "\n", encoding="utf8")
    message = refusal(DataError, load, "dialogue", tmp_path, **{**NAMED, "leaks": "drop"})
    assert message.startswith("train.jsonl:1: messages should be a list of {role, content} with texts as content")


def test_pairs_without_a_prompt_are_refused_with_the_right_form(tmp_path: Path) -> None:
    row = {"chosen": "Hello", "rejected": "What"}
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


TURNS = [("USER", "Hi"), ("SYSTEM", "Hello"), ("USER", "And?"), ("SYSTEM", "Bye")]


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ({"conversations": [text for _, text in TURNS]}, TEXTS_NOTE),
        ({"messages": json.dumps([text for _, text in TURNS])}, TEXTS_NOTE),
        ({"turns": [{"speaker": who, "utterance": text, "frames": []} for who, text in TURNS]}, SPEAKERS_NOTE),
        ({"dialogue": [{"speaker": who.lower(), "utterance": text} for who, text in TURNS]}, SPEAKERS_NOTE),
    ],
)
def test_turns_without_the_roles_of_messages(tmp_path: Path, row: dict[str, Any], note: str) -> None:
    """What the user says is never a reply."""
    corpus = load("dialogue", written(tmp_path, row), **NAMED)
    found = [([text for _, text in each.history], each.prompt, each.target) for each in corpus.dataset.splits["train"]]
    assert found == [([], "Hi", "Hello"), (["Hi", "Hello"], "And?", "Bye")]
    assert note in corpus.notes


@pytest.mark.parametrize(
    "turns",
    [[{"speaker": "A", "utterance": "Hi"}, {"speaker": "B", "utterance": "Ho"}], [{"text": "Hi"}], ["Hi", None], []],
)
def test_other_turns_are_named_though_none_has_a_text(tmp_path: Path, turns: list[Any]) -> None:
    """The rows all seem alike, and one split gets them all; what is said is what is wrong with them."""
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"turns": turns, "id": at}) + "\n" for at in range(9)))
    message = refusal(DataError, load, "dialogue", tmp_path / "x.jsonl")
    assert message.startswith("x.jsonl:1: turns should be a list of two or more texts, got ")
