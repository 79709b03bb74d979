"""Shared by generating tasks: the search, and which examples are scored."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pefbench.heads.examples import GenerationExample
from pefbench.heads.search import Search
from pefbench.tasks.reading.generation import GenerationOptions, dataset

MANY = [GenerationExample(f"prompt {i}", f"answer {i}") for i in range(40)]


def test_the_options_are_those_of_the_data_set() -> None:
    options = GenerationOptions(max_new_tokens=7, num_beams=2)
    made = dataset({"train": MANY, "test": MANY}, **options.model_dump(), keep="start", likelihood=True)
    assert made.search == Search(7, 2)
    assert (made.keep, made.likelihood, made.notes) == ("start", True, [])
    assert made.splits == {"train": MANY, "test": MANY}


def test_fewer_are_scored_whatever_their_order_and_none_the_less_are_trained_on() -> None:
    options = GenerationOptions(tested=5).model_dump()
    made = dataset({"train": MANY, "validation": MANY[:4], "test": MANY}, **options)
    assert {split: len(found) for split, found in made.splits.items()} == {"train": 40, "validation": 4, "test": 5}
    assert made.notes == ["test is 5 of 40 examples"]
    assert list(made.splits["test"]) == [each for each in MANY if each in made.splits["test"]]
    again = dataset({"test": MANY[::-1]}, **options)
    assert list(again.splits["test"]) == list(made.splits["test"])[::-1]
    assert list(made.splits["test"]) != MANY[:5]


@pytest.mark.parametrize("wrong", [{"max_new_tokens": 0}, {"num_beams": 0}, {"tested": 0}, {"beams": 2}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        GenerationOptions.model_validate(wrong)
