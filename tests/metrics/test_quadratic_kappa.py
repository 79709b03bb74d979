from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.quadratic_kappa import METRIC
from tests.metrics.intervals import ends

CORPUS = st.lists(
    st.tuples(st.floats(-2, 12).map(lambda number: round(number, 2)), st.integers(1, 9)), min_size=1, max_size=12
)
Corpus = list[tuple[float, int]]


def split(corpus: Corpus) -> tuple[list[float], list[float]]:
    return [predicted for predicted, _ in corpus], [float(gold) for _, gold in corpus]


def sklearn_value(predicted: list[float], gold: list[float], low: float, high: float) -> float:
    whole = [min(max(round(number), low), high) for number in predicted]  # Python also rounds halves to even
    if len({*whole, *gold}) == 1:
        return 0.0
    labels = list(range(int(low), int(high) + 1))
    return float(cohen_kappa_score(gold, whole, labels=labels, weights="quadratic"))


def test_registry_finds_it() -> None:
    assert registry.find("metric", "quadratic_kappa") is METRIC


def test_scores_on_no_scale_are_refused_before_training() -> None:
    told = "it needs scores within 1,000 of one another, and these range from 3 to 200000"
    assert METRIC().refusal([3.0, 200_000.0, 7.0]) == told
    assert METRIC().refusal([1.0, 2.5]) == "it needs whole-number scores, and one is 2.5"
    assert METRIC().refusal([1000.0, 2000.0]) is None


def test_values_by_hand() -> None:
    values = METRIC().compute(predictions=[1.2, 1.6, 3.4, 3.9], references=[1.0, 2.0, 3.0, 3.0])
    assert values == {"quadratic_kappa": 1.0}  # 3.9 is 4, which no reference has, so 3
    values = METRIC().compute(predictions=[1.2, 1.6, 3.4, 1.9], references=[1.0, 2.0, 3.0, 3.0])
    by_chance = np.mean([(p - g) ** 2 for p in (1, 2, 3, 2) for g in (1, 2, 3, 3)])
    assert values == {"quadratic_kappa": pytest.approx(1 - (1 / 4) / by_chance)}
    assert type(values["quadratic_kappa"]) is float


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_counts_give_the_value_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), sklearn_value(predicted, gold, min(gold), max(gold))
    assert metric.compute(predictions=predicted, references=gold) == {"quadratic_kappa": pytest.approx(expected)}
    sums = metric.counts(predicted, gold).sum(axis=0)
    assert metric.from_counts(sums) == {"quadratic_kappa": pytest.approx(expected, abs=1e-12)}


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_keep_the_range_of_all_references(corpus: Corpus, data: st.DataObject) -> None:
    predicted, gold = split(corpus)
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    metric = METRIC()
    sums = metric.counts(predicted, gold)[draws].sum(axis=0)
    values = metric.from_counts(np.stack([sums, sums]).reshape(2, 1, -1))["quadratic_kappa"]
    expected = sklearn_value([predicted[i] for i in draws], [gold[i] for i in draws], min(gold), max(gold))
    assert values.shape == (2, 1)
    assert float(values[1, 0]) == pytest.approx(expected, abs=1e-12)


def test_scores_that_occur_nowhere_still_lie_between() -> None:
    # by position alone, 1, 2 and 10 would be neighbours
    near = METRIC().compute(predictions=[1.0, 1.0, 10.0], references=[1.0, 2.0, 10.0])["quadratic_kappa"]
    far = METRIC().compute(predictions=[1.0, 10.0, 10.0], references=[1.0, 2.0, 10.0])["quadratic_kappa"]
    assert far < 0.5
    assert near > 0.98


@pytest.mark.parametrize(("prediction", "whole"), [(2.5, 2), (3.5, 4), (2.51, 3), (-7.0, 1), (99.0, 5), (0.6, 1)])
def test_predictions_become_the_nearest_score_within_range(prediction: float, whole: int) -> None:
    gold = [1.0, 2.0, 3.0, 4.0, 5.0]
    one, other = (
        METRIC().compute(predictions=[1.0, 2.0, number, 4.0, 5.0], references=gold) for number in (prediction, whole)
    )
    assert one == other
    assert (one == {"quadratic_kappa": 1.0}) is (whole == 3)


def test_negative_scores_are_as_good_as_others() -> None:
    values = METRIC().compute(predictions=[-2.0, 0.1, 2.0], references=[-2.0, 0.0, 2.0])
    assert values == {"quadratic_kappa": 1.0}


def test_one_score_alone_is_zero_and_constant_predictions_are_no_agreement() -> None:
    for predicted, gold in (([3.0, 3.0], [3.0, 3.0]), ([3.0, 4.0], [3.0, 3.0]), ([2.0] * 3, [1.0, 2.0, 3.0])):
        assert score(METRIC(), predicted, gold)["quadratic_kappa"]["value"] == 0


def test_systematic_disagreement_is_negative() -> None:
    values = METRIC().compute(predictions=[3.0, 2.0, 1.0], references=[1.0, 2.0, 3.0])
    assert values == {"quadratic_kappa": pytest.approx(-1)}


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), [1.0, 2.0, 2.0, 4.0] * 20, [1.0, 2.0, 3.0, 4.0] * 20)
    found = scores["quadratic_kappa"]
    low, high = ends(found)
    assert 0.7 < low < found["value"] < high < 1
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2]) == ("quadratic_kappa", "lib:scikit-learn", "v:")
    assert rest[:3] == ["weights:quadratic", "round:half-even", "range:references"]
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_what_has_no_kappa_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"reference 1 is 2\.5; quadratic kappa needs whole-number scores"):
        getattr(METRIC(), name)(predictions=[1.0, 2.0], references=[1.0, 2.5])
    with pytest.raises(ValueError, match="prediction 0 is nan, not a finite number"):
        getattr(METRIC(), name)(predictions=[float("nan"), 2.0], references=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(), name)(predictions=[1.0], references=[1.0, 2.0])
