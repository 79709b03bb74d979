from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.pearson import METRIC
from tests.metrics.intervals import ends

NUMBER = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3).map(lambda number: round(number, 3)))
CORPUS = st.lists(st.tuples(NUMBER, NUMBER), min_size=2, max_size=12)
Corpus = list[tuple[float, float]]


def split(corpus: Corpus) -> tuple[list[float], list[float]]:
    return [predicted for predicted, _ in corpus], [gold for _, gold in corpus]


def scipy_value(predicted: list[float], gold: list[float]) -> float:
    if len(set(predicted)) == 1 or len(set(gold)) == 1:
        return 0.0
    return float(pearsonr(predicted, gold).statistic)


def test_registry_finds_it() -> None:
    assert registry.find("metric", "pearson") is METRIC


def test_values_by_hand() -> None:
    values = METRIC().compute(predictions=[1.0, 2.0, 3.0], references=[1.0, 2.0, 2.0])
    assert values == {"pearson": pytest.approx(np.sqrt(3) / 2)}
    assert type(values["pearson"]) is float
    assert METRIC().compute(predictions=[3.0, 2.0], references=[1.0, 2.0])["pearson"] == pytest.approx(-1)


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_counts_give_the_value_of_scipy(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), pytest.approx({"pearson": scipy_value(predicted, gold)}, abs=1e-9)
    assert metric.compute(predictions=predicted, references=gold) == expected
    assert metric.from_counts(metric.counts(predicted, gold).sum(axis=0)) == expected


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8), st.data())
def test_resampled_counts_are_the_value_of_the_resampled_corpus(
    corpus: list[tuple[int, int]], data: st.DataObject
) -> None:
    predicted, gold = split([(x / 10, float(y)) for x, y in corpus])
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    assume(len(set(predicted)) > 1 and len(set(gold)) > 1)
    metric = METRIC()
    sums = metric.counts(predicted, gold)[draws].sum(axis=0)
    values = metric.from_counts(np.stack([sums, sums]).reshape(2, 1, -1))["pearson"]
    expected = scipy_value([predicted[i] for i in draws], [gold[i] for i in draws])
    assert values.shape == (2, 1)
    assert float(values[1, 0]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("constant", [[0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [1e8, 1e8, 1e8], [0.3, 0.1 + 0.2, 0.3]])
def test_constant_numbers_are_zero_without_a_warning(constant: list[float]) -> None:
    for predicted, gold in ((constant, [1.0, 2.0, 4.0]), ([1.0, 2.0, 4.0], constant), (constant, constant)):
        found = score(METRIC(), predicted, gold)["pearson"]
        assert (found["value"], found["reliable"]) == (0, False)
        assert ends(found) == pytest.approx((-0.7493, 0.7493), abs=5e-5)  # three examples of which none moves it


def test_one_example_is_zero() -> None:
    assert score(METRIC(), [1.0], [2.0])["pearson"]["value"] == 0


@pytest.mark.parametrize("scale", [1e-6, 1, 1e9])
def test_a_large_mean_loses_no_digits(scale: float) -> None:
    generator = np.random.default_rng(0)
    gold = scale * (1000 + generator.normal(size=200))
    predicted = gold + scale * generator.normal(size=200)
    found = score(METRIC(), predicted.tolist(), gold.tolist())["pearson"]
    low, high = ends(found)
    assert 0.5 < low < found["value"] < high < 0.85


def test_score_has_a_signature() -> None:
    scores = score(METRIC(), [1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
    name, library, version, *rest = scores["pearson"]["signature"].split("|")
    assert (name, library, version[:2], rest[0]) == ("pearson", "lib:scipy", "v:", "constant:0")
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_named(name: str, broken: float) -> None:
    with pytest.raises(ValueError, match=r"prediction 1 is (nan|inf), not a finite number"):
        getattr(METRIC(), name)(predictions=[1.0, broken], references=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"reference 0 is (nan|inf), not a finite number"):
        getattr(METRIC(), name)(predictions=[1.0, 2.0], references=[broken, 2.0])


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(), name)(predictions=[1.0], references=[1.0, 2.0])
