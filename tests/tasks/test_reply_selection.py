"""Reply selection: every turn replies to those before it, and wrong replies come from the same split."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.heads._scoring import ChoiceAnswers
from pefbench.sources import BadRows, Row
from pefbench.tasks.reply_selection import TASK
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads.examples import ChoiceExample
    from pefbench.trial.corpus import Corpus


def read(*given: dict[str, Any], candidates: int = 2, skip: bool = False) -> list[ChoiceExample]:
    rows = [Row(dict.fromkeys(TASK.columns) | values, "x.json", i) for i, values in enumerate(given, start=1)]
    return list(TASK.read({"train": rows}, BadRows(skip=skip), candidates=candidates).splits["train"])


def load(file: Path, *rows: dict[str, Any], columns: dict[str, str] | None = None) -> Corpus:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    data = {"format": "jsonl", "on_bad_row": "error", "repeats": "keep", "columns": columns or {}}
    return loading.load("reply_selection", file, {"candidates": 3}, **data)


def right(example: ChoiceExample) -> str:
    return example.candidates[example.label]


def test_each_turn_but_the_first_is_a_reply_to_all_before_it() -> None:
    turns = ["Hello", "Hi!", "How are you?", "Fine."]
    found = read({"context": turns})
    assert [(each.context, right(each)) for each in found] == [
        ("Hello", "Hi!"),
        ("Hello\nHi!", "How are you?"),
        ("Hello\nHi!\nHow are you?", "Fine."),
    ]
    assert all(len(set(each.candidates)) == 2 and set(each.candidates) <= set(turns[1:]) for each in found)


def test_turns_may_be_a_list_of_utterances_beside_their_speakers() -> None:
    given = {"utterance": ["A train?", "Where to?", "Ely."], "speaker": [0, 1, 0]}
    assert [right(each) for each in read({"context": given})] == ["Where to?", "Ely."]


def test_a_row_may_have_a_context_and_its_reply() -> None:
    found = read({"context": "Where is it?", "reply": "Here."}, {"context": ["Hi", "When?"], "reply": "Now."})
    assert [(each.context, right(each)) for each in found] == [("Where is it?", "Here."), ("Hi\nWhen?", "Now.")]
    assert [set(each.candidates) for each in found] == [{"Here.", "Now."}] * 2


def test_replies_to_one_context_are_a_cluster() -> None:
    candidates = ["x", "y"]
    found = read(
        {"context": "Q?", "candidates": candidates, "label": 0},
        {"context": "Q?", "candidates": candidates, "label": 1},
        {"context": "Other?", "reply": "x"},
        {"context": "More?", "reply": "y"},
    )
    assert ChoiceAnswers().clusters(found) == ["Q?", "Q?", "#2", "#3"]


@pytest.mark.parametrize("named", [{"label": 1}, {"label": "B"}, {"reply": "y"}, {"label": 1, "reply": "other"}])
def test_candidates_of_the_data_stay(named: dict[str, Any]) -> None:
    [found] = read({"context": "Q?", "candidates": ["x", "y", "z"], **named}, candidates=10)
    assert set(found.candidates) == {"x", "y", "z"}
    assert right(found) == "y"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"context": None}, "context should be a text or a list of turns"),
        ({"context": ["a", " "]}, "context should be a text or a list of turns"),
        ({"context": ["a", 1]}, "context should be a text or a list of turns"),
        ({"context": {"speaker": [1]}}, "context should be a text or a list of turns"),
        ({"context": "alone"}, "a single turn, 'alone', has no reply: name a column .* data.columns.reply"),
        ({"context": "a", "reply": ""}, "reply should be a non-empty text"),
        ({"context": "a", "candidates": ["x"], "label": 0}, "candidates should be two or more texts"),
        (
            {"context": "a", "candidates": ["x", "y"], "label": 2},
            "label should be the number",
        ),
        ({"context": "a", "candidates": ["x", "y"], "reply": "z"}, "no label, and the reply 'z' is none of"),
    ],
)
def test_a_bad_row_is_named_or_left_out(values: dict[str, Any], why: str) -> None:
    good = [{"context": "b", "reply": "c"}, {"context": "d", "reply": "e"}]
    with pytest.raises(DataError, match=r"x\.json:3: " + why):
        read(*good, values)
    assert len(read(*good, values, skip=True)) == 2


def test_wrong_replies_and_what_begins_alike_are_of_one_side(tmp_path: Path) -> None:
    rows = [{"turns": [f"Question {i % 60}?", f"reply {i}", f"thanks {i}"]} for i in range(120)]
    splits = load(tmp_path / "x.jsonl", *rows).dataset.splits
    replies = {split: {right(each) for each in found} for split, found in splits.items()}
    assert sum(len(found) for found in splits.values()) == 240
    for split, found in splits.items():
        assert all(set(each.candidates) <= replies[split] and len(each.candidates) == 3 for each in found)
    first = {split: {each.context.partition("\n")[0] for each in found} for split, found in splits.items()}
    assert sum(len(side) for side in first.values()) == 60


def test_rows_of_one_conversation_are_of_one_side_and_a_cluster(tmp_path: Path) -> None:
    """A row's reply is a turn of the next row's context."""
    rows = [
        {
            "context": [f"Question {i}?", f"answer {i}", f"why {i}"][:turns],
            "reply": f"{('answer', 'why', 'end')[turns - 1]} {i}",
        }
        for i in range(60)
        for turns in (1, 2, 3)
    ]
    splits = load(tmp_path / "x.jsonl", *rows).dataset.splits
    first = {split: {each.context.partition("\n")[0] for each in found} for split, found in splits.items()}
    assert sum(map(len, splits.values())) == 180
    assert sum(map(len, first.values())) == 60
    clusters = ChoiceAnswers().clusters(splits["test"])
    assert clusters is not None
    assert {*clusters} == first["test"]


def test_the_examples_do_not_depend_on_the_order_of_labels_or_on_a_seed(tmp_path: Path) -> None:
    rows = [{"question": f"Question {i}?", "answer": f"reply {i}"} for i in range(90)]
    once, again = (load(tmp_path / f"{name}.jsonl", *rows).dataset.splits for name in "ab")
    assert once == again


def test_a_column_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'say' for the task's 'context'; the columns are: ask, tell"):
        load(tmp_path / "x.jsonl", {"ask": "a", "tell": "b"}, columns={"context": "say"})
    with pytest.raises(DataError, match=r"the columns are: ask, tell"):
        load(tmp_path / "x.jsonl", {"ask": "a", "tell": "b"})
