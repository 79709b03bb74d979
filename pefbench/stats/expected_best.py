"""The expected validation score of the best of n tuning trials, for n from 1 to all of them.

The unbiased estimator of Tang et al., "Showing Your Work Doesn't Always Work" (2020): the mean of the best score over
all ways to take n of the N trials, without replacement. The i-th smallest score is the best in C(i - 1, n - 1) of the
C(N, n) ways. (Dodge et al., "Show Your Work" (2019) draw with replacement, which is biased: if two of three trials
reach the best score, three draws are still expected to miss it sometimes.)
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def expected_best(scores: Sequence[float], *, higher_is_better: bool = True) -> list[float]:
    """The expected best score of 1, 2, ... trials, up to the number of scores.

    Raises ValueError without scores.
    """
    if not scores:
        raise ValueError("there are no scores")
    ordered = sorted(scores, reverse=not higher_is_better)
    return [_best_of(ordered, taken) for taken in range(1, len(ordered) + 1)]


def of_settings(scores: Sequence[float | None], *, higher_is_better: bool = True) -> list[float]:
    """The same for settings of which some failed (None): these count as the worst of the others. Empty if all did."""
    there = [score for score in scores if score is not None]
    if not there:
        return []
    worst = min(there) if higher_is_better else max(there)
    filled = [worst if score is None else score for score in scores]
    return expected_best(filled, higher_is_better=higher_is_better)


def _best_of(ordered: Sequence[float], taken: int) -> float:
    ways = comb(len(ordered), taken)
    return sum(comb(place, taken - 1) / ways * score for place, score in enumerate(ordered))
