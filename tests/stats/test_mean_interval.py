from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from pefbench.stats.family import of_scores
from pefbench.stats.interval import of_proportion
from pefbench.stats.mean_interval import intervals, of_runs
from pefbench.stats.resampling import resample
from pefbench.stats.wilson import wilson
from tests.stats.families import Truth

FRACTION = (0.0, 1.0)


def of(
    rows: list[list[float]], ends: tuple[float, float] = FRACTION, clusters: list[int] | None = None
) -> tuple[float | None, float | None]:
    outcomes = np.asarray(rows)
    runs = [lambda weights, row=row: weights @ row / weights.sum(axis=1) for row in outcomes]
    [found] = intervals(of_scores([resample(runs, outcomes.shape[1], clusters=clusters)]), [ends])
    return found


@pytest.mark.parametrize("seeds", [1, 3])
def test_eight_right_of_eight_is_as_uncertain_as_in_the_table(seeds: int) -> None:
    assert of([[1.0] * 8] * seeds) == pytest.approx((0.676, 1.0), abs=5e-4)
    assert of([[0.0] * 8] * seeds) == pytest.approx((0.0, 0.324), abs=5e-4)


@pytest.mark.parametrize("rows", [[[1.0] * 36 + [0.0] * 4], [[1.0] * 35 + [0.0] * 5, [1.0] * 37 + [0.0] * 3]])
def test_a_single_cluster_tells_no_more_than_one_example(rows: list[list[float]]) -> None:
    assert of(rows, clusters=[0] * 40) == pytest.approx(wilson(0.9, 1), abs=1e-6)
    assert of(rows, (0.0, math.inf), clusters=[0] * 40) == (None, None)


def test_clusters_that_score_alike_except_for_rounding_tell_no_more_than_their_number() -> None:
    assert of([[1.0] * 18 + [0.0] * 2 + [1.0] * 18 + [0.0] * 2], clusters=[0] * 20 + [1] * 20) == pytest.approx(
        wilson(1.8, 2), abs=1e-6
    )


def test_without_ends_what_does_not_vary_is_unknown() -> None:
    assert of([[1.0] * 8] * 3, (0.0, math.inf)) == (None, None)


def test_one_seed_is_near_wilson() -> None:
    found = of([[1.0] * 170 + [0.0] * 30])
    assert found == pytest.approx(wilson(170, 200), abs=0.004)


def test_it_never_leaves_the_range() -> None:
    rows = [[1.0] * 60, [1.0] * 57 + [0.0] * 3, [1.0] * 60]
    low, high = of(rows)
    assert low is not None
    assert high is not None
    assert 0 < low < np.mean(rows) < high <= 1.0


def test_it_holds_the_truth_in_95_of_a_hundred_cases() -> None:
    truth = Truth(seeds=5, levels=(1.08,), spreads=(0.1,))
    random, held = np.random.default_rng(3), []
    for found in truth.families(random, 800):
        for place in range(len(found.means)):
            one = type(found)(
                found.means[place], found.covariance[place], found.chance[place], found.between[place], (5,), 250
            )
            [(low, high)] = intervals(one, [FRACTION])
            held.append((low or 0.0) <= 0.8599 <= (high or 0.0))
    assert np.mean(held) == pytest.approx(0.955, abs=0.02)


def runs(rows: np.ndarray[Any, Any]) -> list[tuple[float, float, float]]:
    """What result files hold of runs: each one's value and its own interval."""
    found = []
    for row in rows:
        own = of_proportion(int(row.sum()), len(row))
        found.append((float(row.mean()), own.low or 0.0, 1.0 if own.high is None else own.high))
    return found


def test_from_the_runs_own_intervals_it_is_that_of_the_answers_where_seeds_agree() -> None:
    rows = np.tile([1.0] * 170 + [0.0] * 30, (3, 1))
    told = of([list(row) for row in rows])
    found = of_runs(runs(rows), 200, FRACTION)
    assert (found.low, found.high) == pytest.approx(told, abs=0.004)
    whole = of_runs(runs(np.ones((3, 8))), 8, FRACTION)
    assert (whole.low, whole.high) == pytest.approx((0.676, 1.0), abs=5e-4)


def test_of_one_run_it_is_its_own() -> None:
    found = of_runs([(0.5, 0.4, 0.61)], 100, FRACTION)
    assert (found.low, found.high, found.freedom) == (0.4, 0.61, 99)


def test_without_a_width_of_any_run_the_interval_is_unknown() -> None:
    found = of_runs([(1.0, 1.0, 1.0)] * 3, None, FRACTION)
    assert (found.low, found.high) == (None, None)
    old = of_runs([(1.0, 1.0, 1.0)] * 3, 8, FRACTION)  # as files have that were written before Wilson's interval
    assert (old.low, old.high) == pytest.approx((0.676, 1.0), abs=5e-4)


@pytest.mark.parametrize(("seeds", "spread"), [(3, 0.0), (3, 0.2), (5, 0.1), (10, 0.1)])
def test_from_runs_it_holds_the_truth_in_at_least_95_of_a_hundred_cases(seeds: int, spread: float) -> None:
    truth = Truth(seeds=seeds, levels=(1.08,), spreads=(spread,))
    random, held = np.random.default_rng(4), []
    right, examples = truth.outcomes(random, 400)
    level = NormalDist().cdf(1.08)
    for rows in right[:, 0]:
        found = of_runs(runs(rows), examples.shape[-1], FRACTION)
        held.append((found.low or 0.0) <= level <= (1.0 if found.high is None else found.high))
    assert np.mean(held) >= 0.93
