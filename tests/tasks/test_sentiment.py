"""Sentiment: labels unchanged, or signs of ratings without the middle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, Row
from pefbench.tasks.sentiment import TASK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.sequence import SequenceDataset


def read(train: Sequence[Any], test: Sequence[Any] = ()) -> SequenceDataset:
    """Read splits with these labels, each row's text being its number."""
    splits = {"train": train, "test": test or train}
    rows = {
        split: [Row({"text": f"text {i}", "label": label}, "x.tsv", i + 2) for i, label in enumerate(labels)]
        for split, labels in splits.items()
    }
    dataset: SequenceDataset = TASK.read(rows, BadRows())  # type: ignore[assignment]
    return dataset


def found(dataset: SequenceDataset, split: str = "train") -> list[tuple[str, str]]:
    return [(example.text, example.label) for example in dataset.splits[split]]


@pytest.mark.parametrize("kind", [str, float])
def test_of_ratings_the_sign_counts_and_the_middle_is_left_out(kind: type) -> None:
    dataset = read([kind(rating) for rating in ("-4.0", "3.2", "0.5", "-0.49", "0", "0.45", "-0.5")])
    assert found(dataset) == [
        ("text 0", "negative"),
        ("text 1", "positive"),
        ("text 2", "positive"),
        ("text 6", "negative"),
    ]
    assert dataset.labels == ["negative", "positive"]
    assert dataset.notes[0] == "3 of 7 train texts are left out: they are rated within 0.5 of 0"


def test_the_middle_is_that_of_the_training_split() -> None:
    dataset = read(["-0.8", "0.8"], ["0.11", "-0.09", "-7.5"])
    assert found(dataset, "test") == [("text 0", "positive"), ("text 2", "negative")]


@pytest.mark.parametrize("labels", [["0", "1"], [0, 1, 1], ["pos", "neg", "2"], [1.0, 0.0], ["negative", "positive"]])
def test_labels_stay_as_they_are(labels: list[Any]) -> None:
    dataset = read(labels)
    expected = [str(int(label)) if isinstance(label, float) else str(label) for label in labels]
    assert [label for _, label in found(dataset)] == expected
    assert list(dataset.notes) == []


@pytest.mark.parametrize("label", [None, [1], float("nan"), "", "inf", "positive"])
def test_a_label_that_is_no_rating_as_others_are_is_named(label: Any) -> None:
    with pytest.raises(DataError, match=r"x\.tsv:4: label should be a number, as other ratings, got"):
        read([0.5, -0.5, label])


def test_a_missing_label_is_named() -> None:
    with pytest.raises(DataError, match=r"x\.tsv:4: label is empty; it should be a name or a whole number"):
        read(["negative", "positive", None])


def test_a_split_of_middling_texts_alone_is_refused() -> None:
    with pytest.raises(DataError, match=r"x\.tsv: every text of the test split is rated within 0\.5 of 0"):
        read([4.0, -3.5], [0.1, -0.2])


def test_ratings_without_a_negative_one_are_refused() -> None:
    with pytest.raises(DataError, match="read as ratings around 0, but none is negative; turn other scores"):
        read([4.5, 1.0, 3.5])


def test_the_defaults_are_json() -> None:
    assert json.loads(json.dumps(TASK.defaults)) == TASK.defaults


@pytest.mark.parametrize(("labels", "sign"), [([0, 0.7, 0.9], "negative"), (["-0.5", "-2"], "positive")])
def test_ratings_of_one_sign_are_told_as_what_they_were_read_as(labels: list[Any], sign: str) -> None:
    with pytest.raises(DataError, match=rf"x\.tsv:\d+: label .* read as ratings around 0, but none is {sign}"):
        read(labels)
