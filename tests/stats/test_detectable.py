from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from pefbench.stats.detectable import smallest_difference


@pytest.mark.parametrize("examples", [5, 30, 500])
def test_agrees_with_statsmodels(examples: int) -> None:
    effect = TTestPower().solve_power(nobs=examples, alpha=0.05, power=0.8)  # in standard deviations
    assert smallest_difference(1 / np.sqrt(examples), examples - 1) == pytest.approx(effect, rel=1e-4)


@pytest.mark.parametrize("freedom", [2.0, 2.7, 4.0, 1e3, 1e6])
def test_a_difference_of_that_size_is_shown_in_four_of_five_cases(freedom: float) -> None:
    found = smallest_difference(0.02, freedom)
    random = np.random.default_rng(0)
    estimates = random.normal(found, 0.02, 20_000)
    errors = 0.02 * np.sqrt(random.chisquare(freedom, 20_000) / freedom)
    shown = np.abs(estimates / errors) > stats.t.isf(0.025, freedom)
    assert shown.mean() == pytest.approx(0.8, abs=0.01)


def test_a_stricter_level_needs_a_larger_difference() -> None:
    assert smallest_difference(1.0, 5.0, level=0.05 / 6) > smallest_difference(1.0, 5.0) > 1.96
    assert smallest_difference(0.0, 5.0) == 0.0
