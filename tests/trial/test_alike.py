"""A warning for models that answer every example alike."""

from __future__ import annotations

from typing import Any

import pytest

from pefbench.trial.alike import FEWEST, HEAD_REMEDY, alike

MIXED = ["a", "b"] * FEWEST


def test_of_tags_that_are_all_outside_it_says_so() -> None:
    answers = [["O"] * (1 + i % 3) for i in range(20)]
    references = [["O", "B-X"] if i else ["O"] for i in range(20)]
    [warning] = alike(answers, references)
    assert warning.startswith("the model tags every word of all 20 test examples as O: ")
    assert "head" not in warning
    assert alike(answers, references, HEAD_REMEDY)[0].endswith("for the head alone (train.head_learning_rate)")


@pytest.mark.parametrize(
    "answer",
    ["a", {"label": "a"}, {"choice": 0}, {"text": ""}, {"labels": ["x"]}, ["NOUN"], [], 3.5],
    ids=["label", "label with probability", "choice", "text", "label set", "tags", "no labels", "score"],
)
def test_one_answer_to_all_is_a_warning(answer: Any) -> None:
    answers = [{**answer, "scores": [i, -i]} if isinstance(answer, dict) else answer for i in range(len(MIXED))]
    assert len(alike(answers, MIXED)) == 1


@pytest.mark.parametrize(
    ("answers", "references"),
    [
        (MIXED, MIXED),
        (["a"] * len(MIXED), ["a"] * len(MIXED)),  # all right answers are one, too
        (["a"] * (FEWEST - 1), MIXED[: FEWEST - 1]),  # so few may be alike by accident
        ([["A", "B"], ["B", "A"]] * FEWEST, MIXED),
    ],
    ids=["unlike", "one right answer", "few", "tags in another order"],
)
def test_what_is_no_sign_of_anything_is_not_warned_of(answers: list[Any], references: list[Any]) -> None:
    assert alike(answers, references) == []
