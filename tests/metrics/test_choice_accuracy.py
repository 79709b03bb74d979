from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.choice_accuracy import METRIC
from tests.metrics.choosing import choices
from tests.metrics.intervals import ends

CORPUS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=10)


def chosen(places: list[int]) -> list[dict[str, Any]]:
    return choices(np.eye(4)[places].tolist())


def test_registry_finds_it() -> None:
    assert registry.find("metric", "choice_accuracy") is METRIC


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_counts_give_the_value_of_scikit_learn(corpus: list[tuple[int, int]]) -> None:
    places, right = [place for place, _ in corpus], [place for _, place in corpus]
    metric, expected = METRIC(), accuracy_score(right, places)
    assert metric.compute(predictions=chosen(places), references=right) == {"accuracy": pytest.approx(expected)}
    sums = metric.counts(chosen(places), right).sum(axis=0)
    assert metric.from_counts(np.stack([sums, sums]))["accuracy"].tolist() == [pytest.approx(expected)] * 2


def test_of_equal_scores_the_chosen_one_counts() -> None:
    predictions = [{"choice": place, "scores": [0.5, 0.5]} for place in (0, 0)]
    assert METRIC().compute(predictions=predictions, references=[0, 1]) == {"accuracy": 0.5}


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), chosen([0, 1, 2, 3] * 25), [0, 1, 2, 0] * 25)
    found = scores["accuracy"]
    low, high = ends(found)
    assert 0.6 < low < found["value"] == 0.75 < high < 0.9
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2], rest[0]) == ("choice_accuracy", "lib:scikit-learn", "v:", "match:choice")
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|argument 2 is longer"):
        getattr(METRIC(), name)(predictions=chosen([0]), references=[0, 1])
