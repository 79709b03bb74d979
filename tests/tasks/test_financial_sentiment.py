"""Financial sentiment: label names, or signs of ratings with a neutral middle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, RecipeError
from pefbench.heads._labels import LabelAnswers
from pefbench.recipe import resolve
from pefbench.sources import BadRows, Row
from pefbench.tasks.financial_sentiment import TASK
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path


def labels(given: list[object], *, skip: bool = False) -> list[str]:
    told = {"company": None}
    rows = [Row({"text": f"headline {i}", "label": label} | told, "x.json", i + 1) for i, label in enumerate(given)]
    dataset = TASK.read({"train": rows}, BadRows(skip=skip))
    return [example.label for example in dataset.splits["train"]]


def test_of_ratings_the_sign_counts_and_the_middle_is_neutral() -> None:
    assert labels([0.43, -0.5, 0.1, -0.1, 0, 0.11, -0.101]) == [
        *("positive", "negative", "neutral", "neutral", "neutral", "positive", "negative")
    ]


def test_named_classes_and_numbered_ones_stay_as_they_are() -> None:
    assert labels(["neutral", "positive"]) == ["neutral", "positive"]
    assert labels([0, 2, 1]) == ["0", "2", "1"]


def test_what_is_no_rating_among_ratings_is_a_bad_row() -> None:
    given: list[object] = [0.4, "good", -0.4]
    with pytest.raises(DataError, match=r"x\.json:2: label should be a number, as other ratings, got 'good'"):
        labels(given)
    assert labels(given, skip=True) == ["positive", "negative"]


def test_it_has_no_data_by_default() -> None:
    with pytest.raises(RecipeError, match=r"data\.source"):
        resolve({"task": "financial_sentiment", "method": {"name": "full"}}, name="r")


def test_the_company_is_a_second_text_where_there_is_one(tmp_path: Path) -> None:
    lines = [
        {"title": f"A buys B, day {i}", "company": name, "sentiment": score}
        for i in range(40)
        for name, score in (("A", -0.4), ("B", 0.5))
    ]
    file = tmp_path / "rated.json"
    file.write_text(json.dumps(lines), encoding="utf8")
    splits = load("financial_sentiment", file).dataset.splits
    found = {(example.pair, example.label) for examples in splits.values() for example in examples}
    assert found == {("A", "negative"), ("B", "positive")}
    clusters = LabelAnswers().clusters(splits["test"])
    assert clusters == [example.text for example in splits["test"]]
    lines[7]["company"] = 3
    file.write_text(json.dumps(lines), encoding="utf8")
    with pytest.raises(DataError, match=r"rated\.json.*: company should be a name, got '3'"):
        load("financial_sentiment", file)
