from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pefbench.stats.jackknife import independent, jackknife

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Statistic = Callable[[Array], dict[str, Array]]


def mean(sample: Array) -> Statistic:
    return lambda weights: {"mean": weights @ sample / weights.sum(axis=1)}


def f1(counts: Array) -> Statistic:
    right, predicted, gold = counts.T
    return lambda weights: {"f1": 2 * (weights @ right) / (weights @ predicted + weights @ gold)}


def test_of_a_mean_it_is_the_standard_error_of_the_mean() -> None:
    sample = np.random.default_rng(7).gamma(2.0, size=80)
    found = jackknife(mean(sample), range(80))["mean"]
    assert found.standard_error == pytest.approx(sample.std(ddof=1) / np.sqrt(80), rel=1e-12)
    assert (found.clusters, found.alike) == (80, 80)


def test_of_a_corpus_metric_it_is_near_the_bootstraps() -> None:
    random = np.random.default_rng(3)
    predicted, gold = random.integers(1, 4, size=(2, 400))
    right = random.integers(0, np.minimum(predicted, gold) + 1)
    counts = np.stack([right, predicted, gold], axis=1).astype(np.float64)
    weights = random.multinomial(400, np.full(400, 1 / 400), size=4000).astype(np.float64)
    assert jackknife(f1(counts), range(400))["f1"].standard_error == pytest.approx(
        float(f1(counts)(weights)["f1"].std()), rel=0.05
    )


def test_copies_of_an_example_say_no_more_than_it_does() -> None:
    sample = np.random.default_rng(1).normal(size=60)
    copied, clusters = np.repeat(sample, 5), np.repeat(np.arange(60), 5).tolist()
    once, together = jackknife(mean(sample), range(60))["mean"], jackknife(mean(copied), clusters)["mean"]
    assert together.standard_error == pytest.approx(once.standard_error, rel=1e-12)
    assert together.alike == pytest.approx(60)
    assert jackknife(mean(copied), range(300))["mean"].standard_error < 0.5 * once.standard_error


def test_more_clusters_than_are_left_out_one_by_one_give_about_the_same() -> None:
    sample = np.random.default_rng(5).gamma(2.0, size=7001)
    found = jackknife(mean(sample), range(7001))["mean"]
    assert found.standard_error == pytest.approx(sample.std(ddof=1) / np.sqrt(7001), rel=0.06)
    assert found.clusters == 2000


def test_few_that_decide_leave_few_degrees_of_freedom() -> None:
    one, half = np.eye(1, 100)[0], np.tile([0.0, 1.0], 50)
    assert jackknife(mean(one), range(100))["mean"].deciding == pytest.approx(1, abs=0.03)
    assert jackknife(mean(half), range(100))["mean"].deciding == pytest.approx(100)
    assert jackknife(mean(one), range(100))["mean"].freedom == pytest.approx(4, abs=0.15)
    assert jackknife(mean(half), range(100))["mean"].freedom == 99


def test_where_nothing_differs_nothing_moves() -> None:
    found = jackknife(mean(np.full(9, 0.1)), range(9))["mean"]
    assert (found.standard_error, found.deciding, found.freedom) == (0, 0, 1)


def test_memory_is_bounded() -> None:
    tracemalloc.start()  # weights of all 2,000 times would take 800 MB
    try:
        jackknife(mean(np.linspace(0, 1, 50_000)), range(50_000))
        assert tracemalloc.get_traced_memory()[1] < 90e6
    finally:
        tracemalloc.stop()


def test_one_cluster_says_nothing() -> None:
    with pytest.raises(ValueError, match="single cluster"):
        jackknife(mean(np.arange(3.0)), ["a", "a", "a"])
    assert independent(["a", "b"])
    assert not independent(["a", "b", "a"])
