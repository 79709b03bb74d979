from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.spearman import METRIC
from tests.metrics.intervals import ends

NUMBER = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3))
CORPUS = st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=12)
Corpus = list[tuple[float, float]]


def split(corpus: Corpus) -> tuple[list[float], list[float]]:
    return [predicted for predicted, _ in corpus], [gold for _, gold in corpus]


def scipy_value(predicted: list[float], gold: list[float]) -> float:
    if len(set(predicted)) == 1 or len(set(gold)) == 1:
        return 0.0
    return float(spearmanr(predicted, gold).statistic)


def test_registry_finds_it() -> None:
    assert registry.find("metric", "spearman") is METRIC


def test_values_by_hand() -> None:
    metric = METRIC()
    assert metric.compute(predictions=[1.0, 20.0, 300.0], references=[0.1, 0.2, 0.3]) == {"spearman": 1.0}
    values = metric.compute(predictions=[4.0, 3.0, 9.0, 8.0], references=[1.0, 2.0, 3.0, 4.0])
    assert values == {"spearman": pytest.approx(1 - 6 * (1 + 1 + 1 + 1) / (4 * 15))}  # ranks 2, 1, 4, 3
    assert type(values["spearman"]) is float


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_examples_that_count_once_have_the_value_of_scipy(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), pytest.approx(scipy_value(predicted, gold), abs=1e-9)
    assert metric.compute(predictions=predicted, references=gold)["spearman"] == expected
    assert float(metric.weighted(predicted, gold)(np.ones((1, len(gold))))["spearman"][0]) == expected


@settings(max_examples=50, deadline=None)
@given(CORPUS, st.data())
def test_a_resample_has_the_value_of_the_resampled_corpus(corpus: Corpus, data: st.DataObject) -> None:
    predicted, gold = split(corpus)
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    weights = np.bincount(draws, minlength=len(corpus)).astype(float)
    values = METRIC().weighted(predicted, gold)(np.stack([np.ones(len(corpus)), weights]))["spearman"]
    expected = scipy_value([predicted[i] for i in draws], [gold[i] for i in draws])
    assert values.shape == (2,)
    assert float(values[1]) == pytest.approx(expected, abs=1e-9)


def test_constant_numbers_are_zero_without_a_warning() -> None:
    for predicted, gold in (([2.0] * 3, [1.0, 2.0, 4.0]), ([1.0, 2.0, 4.0], [2.0] * 3), ([2.0] * 3, [2.0] * 3)):
        found = score(METRIC(), predicted, gold)["spearman"]
        assert (found["value"], found["reliable"]) == (0, False)
        assert ends(found) == pytest.approx((-0.7493, 0.7493), abs=5e-5)  # three examples of which none moves it


def test_score_has_an_interval_and_a_signature() -> None:
    generator = np.random.default_rng(0)
    gold = generator.normal(size=200)
    predicted = np.exp(gold + generator.normal(size=200))
    scores = score(METRIC(), predicted.tolist(), gold.tolist())
    found = scores["spearman"]
    low, high = ends(found)
    assert 0.5 < low < found["value"] < high < 0.85
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2], rest[:2]) == ("spearman", "lib:scipy", "v:", ["ties:mean-rank", "constant:0"])
    assert json.loads(json.dumps(scores)) == scores


def test_what_has_no_rank_is_named() -> None:
    with pytest.raises(ValueError, match=r"prediction 1 is nan, not a finite number"):
        METRIC().compute(predictions=[1.0, float("nan")], references=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        METRIC().compute(predictions=[1.0], references=[1.0, 2.0])
