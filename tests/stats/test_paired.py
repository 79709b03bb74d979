from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pefbench.stats.paired import difference, interval
from pefbench.stats.resampling import Scores, resample
from tests.stats.null import Null, accuracy, false_alarms


def scores(rows: object, resamples: int = 4000) -> Scores:
    """Return the scores of runs whose outcomes, (seeds, examples), are averaged."""
    outcomes = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    runs = [lambda weights, row=row: weights @ row / weights.sum(axis=1) for row in outcomes]
    return resample(runs, outcomes.shape[1], resamples=resamples)


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
    assert interval(first) == pytest.approx((low, high))


def test_the_variance_is_that_of_the_means() -> None:
    # against the truth: the spread of the difference over many simulated comparisons
    null = Null(seed=0.2)
    random = np.random.default_rng(5)
    found = [difference(*null.draw(random)) for _ in range(300)]
    truth = np.var([each.value for each in found])
    assert np.mean([each.standard_error**2 for each in found]) == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize("null", [Null(), Null(f1=True), Null(seed=0.3, examples=120)], ids=["accuracy", "f1", "seeds"])
def test_equally_good_methods_differ_in_five_of_a_hundred_cases(null: Null) -> None:
    assert 0.035 <= false_alarms(null, 800) <= 0.065


def test_a_true_difference_is_seen() -> None:
    random = np.random.default_rng(0)
    right = [accuracy(random.normal(2.0, 1, 300)) for _ in range(3)]
    wrong = [accuracy(random.normal(0.0, 1, 300)) for _ in range(3)]
    found = difference(resample(right, 300), resample(wrong, 300))
    assert found.p < 0.001
    assert found.low > 0.3
    assert 0 < found.detectable < found.value


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
    assert difference(alike, alike).detectable == 0.0


def test_a_few_examples_never_prove_much() -> None:
    # all right against all wrong: no variance at all, yet four examples cannot give less than 2 / 2^4
    assert difference(scores([[1.0] * 4]), scores([[0.0] * 4])).p == pytest.approx(0.125)


def test_unlike_runs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 4000, 3\) and \(2, 4000, 3\)"):
        difference(scores([[1, 0, 1]]), scores([[1, 0, 1], [0, 0, 1]]))
    with pytest.raises(ValueError, match="0 runs"):
        resample([], 3)
