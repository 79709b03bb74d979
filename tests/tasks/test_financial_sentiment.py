"""Financial sentiment: names, or the signs of ratings with a neutral middle."""

from __future__ import annotations

import pytest

from pefbench.errors import DataError, RecipeError
from pefbench.recipe import resolve
from pefbench.sources import BadRows, Row
from pefbench.tasks.financial_sentiment import TASK


def labels(given: list[object], *, skip: bool = False) -> list[str]:
    rows = [Row({"text": f"headline {i}", "label": label}, "x.json", i + 1) for i, label in enumerate(given)]
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
