from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from pefbench.stats import bootstrap as intervals
from pefbench.stats.bootstrap import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Statistic = Callable[[Array], dict[str, Array]]


def total(sample: Array) -> Statistic:
    return lambda weights: {"total": weights @ sample}


def f1(counts: Array) -> Statistic:
    right, predicted, gold = counts.T
    return lambda weights: {"f1": 2 * (weights @ right) / (weights @ predicted + weights @ gold)}


def entity_counts(examples: int, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    predicted, gold = generator.integers(1, 4, size=(2, examples))
    right = generator.integers(0, np.minimum(predicted, gold) + 1)
    return np.stack([right, predicted, gold], axis=1).astype(np.float64)


def test_mean_agrees_with_scipy() -> None:
    sample = np.random.default_rng(7).gamma(2.0, size=80)
    low, high = (value / 80 for value in bootstrap(80, total(sample), resamples=9999, confidence=0.9)["total"])
    expected = stats.bootstrap((sample,), np.mean, method="percentile", confidence_level=0.9, rng=1).confidence_interval
    tolerance = 0.03 * (expected.high - expected.low)  # two draws of 9,999 resamples
    assert low == pytest.approx(expected.low, abs=tolerance)
    assert high == pytest.approx(expected.high, abs=tolerance)


def test_corpus_f1_agrees_with_scipy() -> None:
    counts = entity_counts(examples=60, seed=3)

    def statistic(right: Array, predicted: Array, gold: Array, axis: int) -> Array:
        scores: Array = 2 * right.sum(axis) / (predicted.sum(axis) + gold.sum(axis))
        return scores

    expected = stats.bootstrap(
        tuple(counts.T), statistic, paired=True, vectorized=True, method="percentile", rng=1
    ).confidence_interval
    low, high = bootstrap(len(counts), f1(counts), resamples=9999)["f1"]
    tolerance = 0.03 * (expected.high - expected.low)
    assert low == pytest.approx(expected.low, abs=tolerance)
    assert high == pytest.approx(expected.high, abs=tolerance)


def test_interval_covers_a_proportion_as_often_as_it_says() -> None:
    generator = np.random.default_rng(11)
    truth, examples, simulations = 0.3, 100, 400
    covered = 0
    for seed in range(simulations):
        sample = (generator.random(examples) < truth).astype(np.float64)
        low, high = bootstrap(examples, total(sample), resamples=300, seed=seed)["total"]
        covered += low <= truth * examples <= high
    assert 0.91 <= covered / simulations <= 0.98


def test_wider_confidence_is_a_wider_interval() -> None:
    counts = entity_counts(examples=50, seed=5)
    low, high = bootstrap(len(counts), f1(counts), confidence=0.99)["f1"]
    inner_low, inner_high = bootstrap(len(counts), f1(counts), confidence=0.8)["f1"]
    assert low < inner_low < inner_high < high


def test_same_seed_same_interval_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = entity_counts(examples=50, seed=5)
    whole = bootstrap(len(counts), f1(counts), resamples=101, seed=4)
    assert whole != bootstrap(len(counts), f1(counts), resamples=101, seed=5)
    monkeypatch.setattr(intervals, "_CHUNK_WEIGHTS", 50 * 7)
    assert bootstrap(len(counts), f1(counts), resamples=101, seed=4) == whole


def test_draws_take_as_many_examples_as_there_are() -> None:
    assert bootstrap(30, total(np.ones(30))) == {"total": (30.0, 30.0)}


def test_one_example() -> None:
    assert bootstrap(1, f1(np.array([[1.0, 2.0, 3.0]]))) == {"f1": (0.4, 0.4)}


def test_memory_is_bounded() -> None:
    counts = np.ones((50_000, 3))  # weights of all 200 resamples would take 80 MB
    tracemalloc.start()
    try:
        bootstrap(len(counts), f1(counts), resamples=200)
        assert tracemalloc.get_traced_memory()[1] < 45e6
    finally:
        tracemalloc.stop()


def test_senseless_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"examples \(0\)"):
        bootstrap(0, total(np.ones(0)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap(2, total(np.ones(2)), confidence=95)
    with pytest.raises(ValueError, match=r"resamples \(0\)"):
        bootstrap(2, total(np.ones(2)), resamples=0)
