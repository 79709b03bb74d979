from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from pefbench.stats.all_pairs import PairTest, judge, none_differs
from pefbench.stats.resampling import resample
from tests.stats.outcomes import SEEDS_ALIKE, outcomes, scores

if TYPE_CHECKING:
    from collections.abc import Sequence


def judged(methods: Sequence[Sequence[Sequence[float]]], margin: float = 0.01, resamples: int = 2000) -> list[PairTest]:
    differing = [
        int((np.asarray(one) != np.asarray(other)).any(axis=0).sum()) for one, other in combinations(methods, 2)
    ]
    found = [scores(each, resamples) for each in methods]
    return judge(found, differing, level=0.05, margin=margin, proportion=True)


@pytest.mark.parametrize(("first", "second", "examples", "least"), SEEDS_ALIKE)
def test_seeds_that_score_alike_prove_no_more_than_the_examples(
    first: list[set[int]], second: list[set[int]], examples: int, least: float
) -> None:
    [found] = judged([outcomes(first, examples), outcomes(second, examples)], resamples=20_000)
    assert found.standard_error >= least * 0.99
    assert found.p > 0.3
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def test_runs_that_are_the_same_in_every_seed() -> None:
    [found] = judged([outcomes([{0}] * 3, 100), outcomes([{3, 4}] * 3, 100)])
    assert found.standard_error == pytest.approx(0.0174, abs=5e-4)
    assert found.p > 0.3  # 0.58 by t; five examples at most differ


@pytest.mark.parametrize("seeds", [1, 3])
def test_identical_answers_are_no_proof_of_no_difference(seeds: int) -> None:
    same = outcomes([{0}] * seeds, 100)
    [found] = judged([same, same])
    assert (found.difference, found.p, found.adjusted, found.runs) == (0.0, 1.0, 1.0, 1.0)
    assert (found.low, found.high) == pytest.approx((-0.0362, 0.0362), abs=1e-4)
    assert (found.detectable, found.answer) == (None, "undecided")


def of_clusters(clusters: Sequence[int], seeds: int) -> PairTest:
    """Test a method with nine of ten answers right against one with six, by examples in these clusters."""
    random = np.random.default_rng(0)
    right = [(random.random((seeds, len(clusters))) < share).astype(float) for share in (0.9, 0.6)]
    differing = int((right[0][:, None] != right[1]).any(axis=(0, 1)).sum())
    runs = [[lambda weights, row=row: weights @ row / weights.sum(axis=1) for row in rows] for rows in right]
    found = [resample(each, len(clusters), clusters=clusters) for each in runs]
    [pair] = judge(found, [differing], level=0.05, margin=0.01, proportion=True)
    return pair


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_single_cluster_proves_nothing(seeds: int) -> None:
    found = of_clusters([0] * 40, seeds)
    assert found.difference > 0.2
    assert (found.p, found.adjusted, found.runs, found.answer) == (1.0, 1.0, 1.0, "undecided")
    assert (found.seeds, found.examples) == (None, None)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 1


def test_two_clusters_differ_by_chance_in_half_of_all_cases() -> None:
    assert of_clusters([0, 1] * 2000, 1).adjusted == 0.5


def test_all_right_on_eight_examples() -> None:
    [found] = judged([outcomes([set()] * 3, 8)] * 2)
    assert found.p == 1.0
    assert (found.low, found.high) == pytest.approx((-0.369, 0.369), abs=1e-3)


def test_the_bound_where_no_example_differs_is_exact() -> None:
    # with so large a fraction that differs, none of 50 would in 2.5 % of cases
    assert (1 - none_differs(50)) ** 50 == pytest.approx(0.025)


def test_without_ends_an_interval_that_nothing_tells_is_unknown() -> None:
    same = scores([[1.0] * 20] * 3, 2000)
    [found] = judge([same, same], [0], level=0.05, margin=0.01, proportion=False)
    assert (found.low, found.high, found.detectable) == (None, None, None)


def test_a_few_examples_that_differ_never_prove_much() -> None:
    # five of 1,000 examples, all one way: t says 0.025, swapping the answers at random gives it in 2 of 32 cases
    [found] = judged([outcomes([set()], 1000), outcomes([{0, 1, 2, 3, 4}], 1000)])
    assert found.p == pytest.approx(2 / 32)
    assert found.answer == "undecided"
    # of 10,000, no more than 15 are likely to differ: fewer than the margin's hundred
    runs = [outcomes([set()], 10_000), outcomes([{0, 1, 2, 3, 4}], 10_000)]
    assert judged(runs, resamples=300)[0].answer == "equivalent"


def test_equivalent_within_a_margin_and_never_different_too() -> None:
    random = np.random.default_rng(0)
    base = (random.random(4000) < 0.9).astype(float)
    changed = [[np.where(random.random(4000) < 0.001, 1 - base, base).tolist() for _ in range(5)] for _ in range(2)]
    [close] = judged(changed, margin=0.02)
    assert close.answer == "equivalent"
    assert close.adjusted >= 0.05
    [strict] = judged(changed, margin=1e-5)
    assert strict.answer == "undecided"


@settings(max_examples=12, deadline=None)
@given(some.integers(0, 1000), some.integers(2, 4), some.integers(1, 6), some.sampled_from([0.001, 0.02, 0.3]))
def test_what_holds_of_every_family(seed: int, methods: int, seeds: int, margin: float) -> None:
    random = np.random.default_rng(seed)
    levels = random.uniform(0.3, 1.0, methods)
    rows = [(random.random((seeds, 40)) < level).astype(float).tolist() for level in levels]
    for found in judged([*rows, rows[0]], margin, 300):
        assert found.p <= found.adjusted + 1e-12
        assert (found.answer == "different") == (found.adjusted < 0.05)
        if found.answer == "equivalent":
            assert found.within_margin
            assert found.adjusted >= 0.05
        if found.answer != "undecided" or seeds == 1:
            assert (found.seeds, found.examples) == (None, None)
    twin = judged([rows[0], rows[0], *rows[1:]], margin, 300)[0]
    assert (twin.difference, twin.answer == "different") == (0.0, False)
