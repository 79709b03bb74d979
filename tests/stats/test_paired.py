from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from pefbench.stats.detectable import smallest_difference
from pefbench.stats.family import of_scores
from pefbench.stats.mean_interval import intervals
from pefbench.stats.paired import difference
from pefbench.stats.resampling import resample
from tests.stats.null import Null, accuracy, false_alarms
from tests.stats.outcomes import SEEDS_ALIKE, outcomes, scores


def test_one_seed_agrees_with_the_paired_t_test() -> None:
    random = np.random.default_rng(3)
    first, second = random.normal(0.1, 1, (2, 80))
    found = difference(scores(first), scores(second))
    expected = stats.ttest_rel(first, second)
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)  # a variance of 4,000 resamples
    low, high = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02 * (high - low))


def test_seeds_without_examples_agree_with_a_t_test_over_seeds() -> None:
    # every example of a run has the same outcome: only seeds differ
    levels = np.asarray([[0.4, 0.6, 0.55, 0.5], [0.7, 0.75, 0.62, 0.81]])
    first, second = (scores(np.repeat(row[:, None], 30, axis=1)) for row in levels)
    found = difference(first, second)
    expected = stats.ttest_ind(*levels, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert found.freedom == pytest.approx(expected.df, rel=1e-6)
    low, high = stats.t.interval(0.95, 3, levels[0].mean(), stats.sem(levels[0]))
    assert intervals(of_scores([first]), [(-np.inf, np.inf)]) == [pytest.approx((low, high))]


def test_the_variance_is_that_of_the_means() -> None:
    # against the truth: the spread of the difference over many simulated comparisons
    null = Null(seed=0.2)
    random = np.random.default_rng(5)
    found = [difference(*null.draw(random)) for _ in range(300)]
    truth = np.var([each.value for each in found])
    assert np.mean([each.standard_error**2 for each in found]) == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize(
    ("null", "least"),
    [(Null(), 0.035), (Null(f1=True), 0.01), (Null(seed=0.3, examples=120), 0.035)],
    ids=["accuracy", "f1", "seeds"],
)
def test_equally_good_methods_differ_in_five_of_a_hundred_cases(null: Null, least: float) -> None:
    # fewer where examples decide, as in f1: the variance is never below theirs, so it is rather too large there
    assert least <= false_alarms(null, 800) <= 0.065


def test_a_true_difference_is_seen() -> None:
    random = np.random.default_rng(0)
    right = [accuracy(random.normal(2.0, 1, 300)) for _ in range(3)]
    wrong = [accuracy(random.normal(0.0, 1, 300)) for _ in range(3)]
    found = difference(resample(right, 300), resample(wrong, 300))
    assert found.p < 0.001
    assert found.low > 0.3
    assert 0 < smallest_difference(found.standard_error, found.freedom) < found.value


@pytest.mark.parametrize(("first", "second", "examples", "least"), SEEDS_ALIKE)
def test_seeds_that_score_alike_prove_no_more_than_the_examples(
    first: list[set[int]], second: list[set[int]], examples: int, least: float
) -> None:
    one, other = outcomes(first, examples), outcomes(second, examples)
    found = difference(scores(one, 20000), scores(other, 20000))
    alone = (np.mean(one, axis=0) - np.mean(other, axis=0)).std(ddof=1) / examples**0.5
    assert alone == pytest.approx(least, abs=5e-6)
    assert found.standard_error == pytest.approx(alone, rel=0.01)  # a variance of 20,000 resamples
    assert found.p > 0.3
    assert found.low < 0 < found.high


def test_runs_that_are_the_same_in_every_seed() -> None:
    found = difference(scores(outcomes([{0}] * 3, 100)), scores(outcomes([{3, 4}] * 3, 100)))
    assert found.standard_error == pytest.approx(0.0174, abs=3e-4)
    assert found.p == pytest.approx(0.58, abs=0.02)


@given(some.lists(some.lists(some.booleans(), min_size=20, max_size=20), min_size=4, max_size=4))
@settings(deadline=None, max_examples=50)
def test_never_surer_than_the_examples_alone(rows: list[list[bool]]) -> None:
    first, second = scores(rows[:2], 200), scores(rows[2:], 200)
    over_resamples = np.var(first.resampled.mean(axis=0) - second.resampled.mean(axis=0))
    assert difference(first, second).standard_error ** 2 >= over_resamples * (1 - 1e-9)


def test_swapping_the_methods_turns_the_sign() -> None:
    null = Null(f1=True)
    first, second = null.draw(np.random.default_rng(2))
    there, back = difference(first, second), difference(second, first)
    assert (there.value, there.p) == pytest.approx((-back.value, back.p))
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_the_same_answers_are_no_difference() -> None:
    same = scores([[1, 0, 1, 1], [1, 1, 0, 1]])
    found = difference(same, same)
    assert (found.value, found.p) == (0.0, 1.0)
    alike = scores([[1, 1, 1]] * 3)
    itself = difference(alike, alike)
    assert smallest_difference(itself.standard_error, itself.freedom) == 0.0


def test_a_few_examples_never_prove_much() -> None:
    # all right against all wrong: no variance at all, yet four examples cannot give less than 2 / 2^4
    assert difference(scores([[1.0] * 4]), scores([[0.0] * 4])).p == pytest.approx(0.125)


def test_unlike_runs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 4000, 3\) and \(2, 4000, 3\)"):
        difference(scores([[1, 0, 1]]), scores([[1, 0, 1], [0, 0, 1]]))
    with pytest.raises(ValueError, match="0 runs"):
        resample([], 3)


def test_clusters_are_resampled_whole_and_counted() -> None:
    right = np.repeat(np.random.default_rng(2).random(60) < 0.7, 5).astype(np.float64)
    clusters = np.repeat(np.arange(60), 5).tolist()
    alone, together = (
        resample([lambda weights: weights @ right / weights.sum(axis=1)], 300, clusters=each)
        for each in (None, clusters)
    )
    assert (alone.examples, together.examples) == (300, 60)
    assert together.resampled.std() == pytest.approx(alone.resampled.std() * np.sqrt(5), rel=0.06)
