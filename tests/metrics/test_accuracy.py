from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.accuracy import METRIC
from tests.metrics.intervals import ends

LABEL = st.sampled_from(["joy", "Joy", "joy ", "", "\u00c4rger", "A\u0308rger", "1", "01"])  # two spellings of Ärger
CORPUS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)


def test_registry_finds_it() -> None:
    assert registry.find("metric", "accuracy") is METRIC


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_counts_give_the_value_of_scikit_learn(corpus: list[tuple[str, str]]) -> None:
    predicted, gold = [p for p, _ in corpus], [g for _, g in corpus]
    metric, expected = METRIC(), {"accuracy": accuracy_score(gold, predicted)}
    assert metric.compute(predictions=predicted, references=gold) == pytest.approx(expected, abs=1e-12)
    sums = metric.counts(predicted, gold).sum(axis=0)
    assert metric.from_counts(np.stack([sums, sums]))["accuracy"].tolist() == [pytest.approx(expected["accuracy"])] * 2


def test_labels_match_letter_for_letter() -> None:
    values = METRIC().compute(predictions=["a", "A", "a ", ""], references=["a", "a", "a", "a"])
    assert values == {"accuracy": 0.25}
    assert type(values["accuracy"]) is float


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), ["a", "b", "b", "b"] * 25, ["a", "b", "b", "a"] * 25)
    found = scores["accuracy"]
    assert found["value"] == 0.75
    low, high = ends(found)
    assert 0.6 < low < 0.7
    assert 0.8 < high < 0.9
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2]) == ("accuracy", "lib:scikit-learn", "v:")
    assert rest == ["match:exact", "ci:wilson-95"]
    assert json.loads(json.dumps(scores)) == scores


def test_many_labels_and_few_examples_do_not_warn() -> None:
    labels = [str(number) for number in range(30)]
    assert score(METRIC(), labels, labels)["accuracy"]["high"] == 1


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|argument 2 is longer"):
        getattr(METRIC(), name)(predictions=["a"], references=["a", "b"])


def test_there_is_no_report() -> None:
    assert METRIC().report(["a"], ["a"]) is None
