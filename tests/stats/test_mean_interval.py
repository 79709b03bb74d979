from __future__ import annotations

import math

import numpy as np
import pytest

from pefbench.stats.family import of_scores
from pefbench.stats.mean_interval import intervals
from pefbench.stats.resampling import resample
from pefbench.stats.wilson import wilson
from tests.stats.families import Truth

FRACTION = (0.0, 1.0)


def of(rows: list[list[float]], ends: tuple[float, float] = FRACTION) -> tuple[float | None, float | None]:
    outcomes = np.asarray(rows)
    runs = [lambda weights, row=row: weights @ row / weights.sum(axis=1) for row in outcomes]
    [found] = intervals(of_scores([resample(runs, outcomes.shape[1])]), [ends])
    return found


@pytest.mark.parametrize("seeds", [1, 3])
def test_eight_right_of_eight_is_as_uncertain_as_in_the_table(seeds: int) -> None:
    assert of([[1.0] * 8] * seeds) == pytest.approx((0.676, 1.0), abs=5e-4)
    assert of([[0.0] * 8] * seeds) == pytest.approx((0.0, 0.324), abs=5e-4)


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
