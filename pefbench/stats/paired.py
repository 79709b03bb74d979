"""The difference of two runs, or of two methods over seeds, on the same test examples: p-value and interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy import stats

from pefbench.stats.variance import Variance, of_sum

if TYPE_CHECKING:
    from pefbench.stats.resampling import Scores


@dataclass(frozen=True)
class Difference:
    """Mean of the first method minus mean of the second, over seeds.

    low, high: its interval. p: two-sided, against no difference. freedom: degrees of freedom of its variance.
    """

    value: float
    low: float
    high: float
    p: float
    standard_error: float
    freedom: float


def difference(first: Scores, second: Scores, *, confidence: float = 0.95) -> Difference:
    """Compare two methods that were scored on the same resamples, by Student's t with the variance of `variance`.

    p is at least 2 / 2^examples, the smallest p of a test that swaps the two methods' answers at random.
    Raises ValueError if the numbers of examples, resamples or seeds differ.
    """
    if first.resampled.shape != second.resampled.shape or first.examples != second.examples:
        shapes = [(*each.resampled.shape, each.examples) for each in (first, second)]
        raise ValueError(f"scores of unlike runs (seeds, resamples, examples): {shapes[0]} and {shapes[1]}")
    value = first.mean - second.mean
    variance = of_sum([first, second], [1, -1])
    error = math.sqrt(variance.value)
    reach = _reach(variance, confidence)
    floor = 2.0 * 0.5 ** min(first.examples, 1000)
    return Difference(
        value=value,
        low=value - reach,
        high=value + reach,
        p=min(1.0, max(floor, _p(value, variance))),
        standard_error=error,
        freedom=variance.freedom,
    )


def _p(value: float, variance: Variance) -> float:
    # Means of the same scores in another order differ in their last digit.
    if math.isclose(value, 0.0, abs_tol=1e-12):
        return 1.0
    if variance.value == 0:
        return 0.0
    return float(2 * stats.t.sf(abs(value) / math.sqrt(variance.value), variance.freedom))


def _reach(variance: Variance, confidence: float) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, variance.freedom)) * math.sqrt(variance.value)
