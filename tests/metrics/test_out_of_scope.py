from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.out_of_scope import METRIC
from tests.metrics.intervals import ends

LABEL = st.sampled_from(["oos", "oos", "translate", "Wetter-Ändern", "OOS", ""])
CORPUS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
Corpus = list[tuple[str, str]]


def split(corpus: Corpus) -> tuple[list[str], list[str]]:
    return [predicted for predicted, _ in corpus], [gold for _, gold in corpus]


def sklearn_values(predicted: list[str], gold: list[str]) -> dict[str, float]:
    """Return recall of "oos"; and of all other classes together (micro), which is accuracy over their examples."""
    inside = sorted({*gold} - {"oos"})
    return {
        "in_scope_accuracy": recall_score(gold, predicted, labels=inside, average="micro") if inside else 0.0,
        "out_of_scope_recall": recall_score(gold, predicted, labels=["oos"], average="macro", zero_division=0),
    }


def test_registry_finds_it() -> None:
    assert registry.find("metric", "out_of_scope") is METRIC


def test_values_by_hand() -> None:
    gold = ["weather", "weather", "alarm", "oos", "oos", "oos"]
    values = METRIC().compute(predictions=["weather", "oos", "weather", "oos", "oos", "alarm"], references=gold)
    assert values == {"in_scope_accuracy": pytest.approx(1 / 3), "out_of_scope_recall": pytest.approx(2 / 3)}
    assert {type(value) for value in values.values()} == {float}


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_counts_give_the_values_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), pytest.approx(sklearn_values(predicted, gold), abs=1e-12)
    assert metric.compute(predictions=predicted, references=gold) == expected
    assert metric.from_counts(metric.counts(predicted, gold).sum(axis=0)) == expected


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_are_the_values_of_the_resampled_corpus(corpus: Corpus, data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    metric = METRIC()
    sums = metric.counts(*split(corpus))[draws].sum(axis=0)
    values = metric.from_counts(np.stack([sums, sums]).reshape(2, 1, -1))
    expected = sklearn_values(*split([corpus[i] for i in draws]))
    assert {name: value.shape for name, value in values.items()} == dict.fromkeys(expected, (2, 1))
    assert {name: float(value[1, 0]) for name, value in values.items()} == pytest.approx(expected, abs=1e-12)


def test_calling_everything_out_of_scope_is_seen_through() -> None:
    values = METRIC().compute(predictions=["oos"] * 4, references=["oos", "a", "b", "c"])
    assert values == {"in_scope_accuracy": 0.0, "out_of_scope_recall": 1.0}


def test_a_kind_without_examples_is_zero_without_a_warning() -> None:
    inside, outside = (score(METRIC(), [label] * 3, [label] * 3) for label in ("a", "oos"))
    assert [found["value"] for found in inside.values()] == [1, 0]
    assert [found["value"] for found in outside.values()] == [0, 1]


def test_another_name_for_the_class_can_be_set() -> None:
    class Unknown(METRIC):
        label = "unknown"

    values = Unknown().compute(predictions=["unknown", "oos"], references=["unknown", "oos"])
    assert values == {"in_scope_accuracy": 1.0, "out_of_scope_recall": 1.0}
    assert Unknown().signature().endswith("|out-of-scope:unknown")


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), ["a", "b", "oos", "a"] * 25, ["a", "a", "oos", "oos"] * 25)
    found = scores["out_of_scope_recall"]
    low, high = ends(found)
    assert 0.3 < low < found["value"] == 0.5 < high < 0.7
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2]) == ("out_of_scope", "lib:scikit-learn", "v:")
    assert rest[:2] == ["match:exact", "out-of-scope:oos"]
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|argument 2 is longer"):
        getattr(METRIC(), name)(predictions=["a"], references=["a", "b"])
