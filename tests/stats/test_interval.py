"""The interval of any score. A small simulation of its coverage; `benchmarks.interval_coverage` has the full one."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy import stats

from pefbench.stats.interval import Interval, of_proportion, of_score
from pefbench.stats.jackknife import Spread
from tests.stats.coverage import FAMILIES, LIMITS, measure


def ends(found: Interval) -> list[float]:
    assert found.low is not None
    assert found.high is not None
    return [found.low, found.high]


WIDE = Spread(standard_error=0.02, deciding=300.0, clusters=300, alike=300.0)


def test_a_proportions_standard_error_gives_wilsons_interval() -> None:
    error = np.sqrt(0.9 * 0.1 / 300)
    spread = Spread(standard_error=error, deciding=1e9, clusters=10**9, alike=300.0)
    found = of_score(0.9, spread, (0, 1))
    assert ends(found) == pytest.approx(ends(of_proportion(270, 300)), abs=1e-9)


def test_a_scale_does_not_matter() -> None:
    found, percent = of_score(0.4, WIDE, (0, 1)), of_score(40, Spread(2.0, 300.0, 300, 300.0), (0, 100))
    both = of_score(-0.2, Spread(0.04, 300.0, 300, 300.0), (-1, 1))
    assert ends(percent) == pytest.approx([100 * end for end in ends(found)])
    assert ends(both) == pytest.approx([2 * end - 1 for end in ends(found)])


def test_above_one_end_it_is_students_on_the_logarithm() -> None:
    found, reach = of_score(8.0, WIDE, (0, inf)), stats.t.ppf(0.975, 299) * 0.02 / 8
    assert ends(found) == pytest.approx([8 / np.exp(reach), 8 * np.exp(reach)])
    assert found.method == "log-t-95"


def test_without_ends_it_is_students() -> None:
    found, reach = of_score(-3.0, WIDE, (-inf, inf), confidence=0.9), stats.t.ppf(0.95, 299) * 0.02
    assert ends(found) == pytest.approx([-3 - reach, -3 + reach])
    assert found.method == "t-90"


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_where_nothing_moves_it_has_a_width_and_is_marked(value: float) -> None:
    found = of_score(value, Spread(0.0, 0.0, 40, 40.0), (0, 1))
    assert ends(found) == pytest.approx(ends(of_proportion(round(40 * value), 40)))
    assert not found.reliable


def test_one_example_says_next_to_nothing() -> None:
    found = of_score(0.7, None, (0, 1))
    low, high = ends(found)
    assert high - low > 0.7
    assert not found.reliable
    assert of_score(7.0, None, (0, inf)).low is None


def test_examples_of_a_proportion_never_tell_more_than_if_they_were_independent() -> None:
    narrow = Spread(standard_error=0.001, deciding=300.0, clusters=300, alike=300.0)
    found, capped = of_score(0.9, narrow, (0, 1)), of_score(0.9, narrow, (0, 1), most=300)
    assert ends(capped)[0] < ends(of_proportion(270, 300))[0] < ends(found)[0]


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", FAMILIES)
def test_covers_the_truth_in_95_of_a_hundred_cases_or_is_marked(name: str) -> None:
    """95 +- 1.5 %, and twice the standard error of so few simulations."""
    for cell in measure(name, simulations=1000, sizes=(50, 250), truths=(0.05, 0.91), resamples=0):
        error = 200 * np.sqrt(0.95 * 0.05 / cell.simulations)
        assert LIMITS[0] - error <= cell.covered <= LIMITS[1] + error or cell.marked > 50, cell
