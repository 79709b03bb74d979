from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from pefbench.stats.family import Family
from pefbench.stats.moderated import seed_variance
from pefbench.stats.step_down import adjusted, alone, draw, standard_errors, statistics
from tests.stats.families import Truth, false_alarms, power

EQUAL = Truth(seeds=5)


def one(truth: Truth, seed: int = 0) -> Family:
    [found] = truth.families(np.random.default_rng(seed), 1)
    return Family(found.means[0], found.covariance[0], found.chance[0], found.between[0], found.seeds, found.examples)


def p_of(found: Family, methods: list[int]) -> dict[frozenset[int], float]:
    """The p-value of each pair, by the numbers of its methods: means may be equal."""
    variance = seed_variance(found)
    observed = statistics(found.differences, standard_errors(found, variance))
    p = adjusted(observed, draw(found, variance, draws=2000).t)
    first, second = found.pairs
    pairs = zip(first.tolist(), second.tolist(), p.tolist(), strict=True)
    return {frozenset({methods[a], methods[b]}): each for a, b, each in pairs}


def worked(observed: list[float], drawn: list[list[float]]) -> list[float]:
    found: list[float] = adjusted(np.array(observed), np.array(drawn)).tolist()
    return found


def test_a_worked_case() -> None:
    # 4 draws of 2 pairs; the greatest of both reaches 2.5 once, the second alone reaches 1.0 twice
    drawn = [[0.1, 0.9], [3.0, 0.2], [0.3, 1.5], [0.1, 2.0]]
    assert worked([2.5, 1.0], drawn) == pytest.approx([2 / 5, 3 / 5])
    assert worked([1.0, 2.5], [[b, a] for a, b in drawn]) == pytest.approx([3 / 5, 2 / 5])
    assert alone(np.array([2.5, 1.0]), np.array(drawn)).tolist() == pytest.approx([2 / 5, 3 / 5])


@given(
    some.lists(some.floats(0, 6), min_size=3, max_size=3),
    some.lists(some.lists(some.floats(0, 6), min_size=3, max_size=3), min_size=1, max_size=30),
)
def test_p_falls_with_the_statistic_and_is_never_below_that_of_the_pair_alone(
    observed: list[float], drawn: list[list[float]]
) -> None:
    found = worked(observed, drawn)
    by_statistic = [p for _, p in sorted(zip(observed, found, strict=True))]
    assert by_statistic == sorted(by_statistic, reverse=True)
    assert all(found >= alone(np.array(observed), np.array(drawn)))
    assert all(0 < p <= 1 for p in found)


@settings(max_examples=20, deadline=None)
@given(some.permutations(range(4)), some.integers(0, 100))
def test_the_order_of_methods_does_not_matter(order: list[int], seed: int) -> None:
    found = one(Truth(seeds=5, spreads=(0.1, 0.3, 0.1, 0.2)).worse(0.1), seed)
    turned = replace(
        found,
        means=found.means[order],
        covariance=found.covariance[np.ix_(order, order)],
        chance=found.chance[order],
        between=found.between[order],
    )
    there, back = p_of(found, [0, 1, 2, 3]), p_of(turned, order)
    assert there.keys() == back.keys()
    # rounding moves a draw over the edge at most once in a while
    assert all(there[pair] == pytest.approx(back[pair], abs=1.5 / 2001) for pair in there)


def test_a_standard_error_is_never_below_that_of_the_examples_alone() -> None:
    for seeds in (2, 3, 5, 10):
        [found] = replace(EQUAL, seeds=seeds, spreads=(0.0,) * 4).families(np.random.default_rng(1), 200)
        first, second = found.pairs
        variances = np.diagonal(found.covariance, axis1=1, axis2=2)
        over = variances[:, first] + variances[:, second] - 2 * found.covariance[:, first, second]
        assert np.all(standard_errors(found, seed_variance(found)) ** 2 >= over * (1 - 1e-9))


def test_a_pair_that_does_not_vary() -> None:
    assert statistics(np.array([0.0, 0.1]), np.array([0.0, 0.0])).tolist() == [0.0, np.inf]


def test_the_same_draws_each_time_and_other_draws_alike() -> None:
    found = one(EQUAL.worse(0.06))
    variance = seed_variance(found)
    assert np.array_equal(draw(found, variance, draws=100).t, draw(found, variance, draws=100).t)
    observed = statistics(found.differences, standard_errors(found, variance))
    p = [adjusted(observed, draw(found, variance, seed=seed).t) for seed in (1, 2)]
    assert p[0] == pytest.approx(p[1], abs=0.01)


@pytest.mark.parametrize(
    ("truth", "least"),
    [
        (EQUAL, 0.03),
        (replace(EQUAL, spreads=(0.1, 0.1, 0.1, 0.3)), 0.03),
        (replace(EQUAL, seeds=10, spreads=(0.03, 0.03, 0.03, 0.3)), 0.02),
        (replace(EQUAL, seeds=3, spreads=(0.03, 0.03, 0.03, 0.3)), 0.03),
        (replace(EQUAL, levels=(0.3,) * 4, f1=True), 0.025),
        (replace(EQUAL, spreads=(0.15,) * 4, together=0.5), 0.0),
    ],
    ids=["equal", "3x", "10x", "10x at 3 seeds", "f1", "correlated"],
)
def test_equally_good_methods_differ_in_five_of_a_hundred_families(truth: Truth, least: float) -> None:
    # benchmarks/false_alarms.py has the whole table, with more simulations
    assert least <= false_alarms(truth, 1000) <= 0.075


def test_a_true_difference_is_found_as_often_as_the_reference_design_does() -> None:
    # "R" of the audit: 30 % (standard error of 800 simulations: 1.6)
    assert power(replace(EQUAL, spreads=(0.05,) * 4).worse(0.03), 800) >= 0.25
