"""New runs against earlier ones of the same recipe: a harmless change of seed or kernel rarely raises an alarm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pefbench.stats.detectable import smallest_difference
from pefbench.stats.resampling import resample
from pefbench.stats.two_sample import chance, change

SCORES = st.lists(st.integers(0, 1000).map(lambda right: right / 1000), min_size=2, max_size=6, unique=True)


@given(SCORES, SCORES)
def test_it_is_students_test(old: list[float], new: list[float]) -> None:
    found = change(old, new)
    if abs(np.mean(old) - np.mean(new)) > 1e-9:
        expected = stats.ttest_ind(new, old)
        ends = expected.confidence_interval()
        assert found.p == pytest.approx(expected.pvalue)
        assert [found.low, found.high] == pytest.approx([ends.low, ends.high])


def test_the_least_variance_holds_where_seeds_score_alike() -> None:
    assert change([0.9, 0.9, 0.9], [0.88]).p == 0
    assert change([0.9, 0.9, 0.9], [0.88], chance=0.01**2).p > 0.1


def test_two_runs_say_nothing_of_seeds() -> None:
    with pytest.raises(ValueError, match="1 old and 1 new runs"):
        change([0.9], [0.8])


def test_chance_is_the_variance_of_single_answers() -> None:
    right = np.random.default_rng(0).random((5, 2000)) < 0.8  # each answer anew, each run as good
    runs = [lambda weights, row=row: weights @ row / weights.sum(axis=1) for row in right.astype(np.float64)]
    assert chance(resample(runs, 2000)) == pytest.approx(0.8 * 0.2 / 2000, rel=0.15)


@pytest.mark.parametrize("spread", [0.002, 0.02, 0.05])
@pytest.mark.parametrize(("old", "new"), [(3, 1), (3, 3), (5, 1)])
def test_a_harmless_change_alarms_in_one_of_twenty_at_most(spread: float, old: int, new: int) -> None:
    """1,000 examples of which 86 % are right: whether seeds hardly matter, or five times as much as examples."""
    random = np.random.default_rng(4)
    alarms, simulations = 0, 1500
    for _ in range(simulations):
        ability = 0.86 + spread * random.standard_normal(old + new)
        scores = random.binomial(1000, ability.clip(0, 1)) / 1000
        alarms += change(scores[:old].tolist(), scores[old:].tolist(), chance=1e-6).p < 0.05
    assert alarms / simulations <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / simulations)
    assert alarms / simulations >= 0.02


def test_a_loss_of_four_spreads_is_shown_by_five_seeds() -> None:
    random = np.random.default_rng(5)
    shown = [
        change((0.86 + 0.01 * random.standard_normal(5)).tolist(), (0.82 + 0.01 * random.standard_normal(1)).tolist()).p
        for _ in range(500)
    ]
    assert np.mean(np.asarray(shown) < 0.05) > 0.75


@pytest.mark.parametrize(("old", "new", "level"), [(3, 3, 0.05), (5, 1, 0.05), (3, 3, 0.05 / 20)])
def test_the_told_loss_is_shown_in_80_percent_of_cases(old: int, new: int, level: float) -> None:
    """At the true spread of seeds; what is told of few seeds varies as their spread does."""
    random = np.random.default_rng(6)
    told = smallest_difference(0.01 * np.sqrt(1 / old + 1 / new), old + new - 2, level=level)
    simulations = 2500
    shown = [
        change(
            (0.86 + 0.01 * random.standard_normal(old)).tolist(),
            (0.86 - told + 0.01 * random.standard_normal(new)).tolist(),
        ).p
        < level
        for _ in range(simulations)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / simulations))


def test_the_standard_error_is_that_of_the_test() -> None:
    found = change([0.9, 0.92, 0.94], [0.85, 0.87])
    assert found.freedom == 3
    assert abs(found.value) / found.error == pytest.approx(abs(stats.t.isf(found.p / 2, 3)))
