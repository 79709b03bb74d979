from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from pefbench.stats.wilson import wilson


@pytest.mark.parametrize(
    ("right", "examples", "expected"), [(0, 164, (0.0, 0.0229)), (9, 164, (0.0291, 0.1010)), (164, 164, (0.9771, 1.0))]
)
def test_worked_cases(right: int, examples: int, expected: tuple[float, float]) -> None:
    assert wilson(right, examples) == pytest.approx(expected, abs=5e-5)


@given(some.integers(1, 2000).flatmap(lambda n: some.tuples(some.integers(0, n), some.just(n))))
def test_agrees_with_statsmodels_and_holds_the_proportion(case: tuple[int, int]) -> None:
    low, high = wilson(*case)
    assert (low, high) == pytest.approx(proportion_confint(*case, method="wilson"), abs=1e-12)
    assert 0 <= low <= case[0] / case[1] <= high <= 1


@pytest.mark.parametrize("examples", [250, 1000])
@pytest.mark.parametrize("truth", [0.05, 0.5, 0.91, 0.97])
def test_covers_the_truth_in_95_of_a_hundred_cases(truth: float, examples: int) -> None:
    counts = np.arange(examples + 1)
    covered = [low <= truth <= high for low, high in (wilson(int(right), examples) for right in counts)]
    assert stats.binom.pmf(counts, examples, truth)[covered].sum() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("case", [(-1, 5), (6, 5), (0, 0)])
def test_what_is_not_a_proportion_is_refused(case: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(*case)
