"""The validation score to expect of the best of n tuning trials, for n from 1 to all of them.

The unbiased estimator of Tang et al., "Showing Your Work Doesn't Always Work" (2020): the mean of the best over all
ways to take n of the N trials that were run, without replacement. The i-th smallest score is the best of C(i - 1, n -
1) of the C(N, n) ways. (Dodge et al., "Show Your Work" (2019) draw with replacement, which is biased: three trials of
which two reach the best score would still be expected to miss it.)
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def expected_best(scores: Sequence[float], *, higher_is_better: bool = True) -> list[float]:
    """The expected best score of 1, 2, ... and of as many trials as there are scores.

    A trial that failed counts as the worst score that any trial had: pass it so. Raises ValueError without scores.
    """
    if not scores:
        raise ValueError("there are no scores")
    ordered = sorted(scores, reverse=not higher_is_better)
    return [_best_of(ordered, taken) for taken in range(1, len(ordered) + 1)]


def _best_of(ordered: Sequence[float], taken: int) -> float:
    ways = comb(len(ordered), taken)
    return sum(comb(place, taken - 1) / ways * score for place, score in enumerate(ordered))
