"""The confidence interval of any score, from its spread over examples; never beyond the metric's range.

For a metric bounded on both sides, such as by 0 and 1: Wilson's interval at the effective number of examples, which is
that of a proportion with the same standard error, reduced for the degrees of freedom of that error. Korn and Graubard,
"Confidence intervals for proportions with small expected number of positive counts estimated from survey data" (1998);
Dean and Pagano, "Evaluating confidence interval methods for binomial proportions in clustered surveys" (2015). For a
metric bounded only from below, such as perplexity: Student's t on the logarithm. For an unbounded metric: Student's t.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isinf
from statistics import NormalDist
from typing import TYPE_CHECKING

from pefbench.stats.wilson import wilson

if TYPE_CHECKING:
    from pefbench.stats.jackknife import Spread

FEWEST = 5.0
"""Effective clusters needed for a reliable interval; with fewer, coverage may be far below the stated level."""


@dataclass(frozen=True)
class Interval:
    """An interval and its method. low, high: None if there is none. reliable: whether enough clusters decide it."""

    low: float | None
    high: float | None
    method: str
    reliable: bool = True


def of_proportion(right: int, examples: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's interval of a proportion of independent examples. Raises ValueError as `wilson` does."""
    return Interval(*wilson(right, examples, confidence=confidence), f"wilson-{100 * confidence:g}")


def of_score(
    value: float,
    spread: Spread | None,
    ends: tuple[float, float],
    *,
    confidence: float = 0.95,
    most: float | None = None,
) -> Interval:
    """The interval of a score in a metric's range.

    spread: None if there is only one example or cluster. most: an upper limit of the effective number of examples; for
    a proportion, whose examples cannot be worth more than independent ones, their number.
    """
    bottom, top = ends
    reliable = spread is not None and spread.deciding >= FEWEST
    if not isinf(top):
        low, high = _between(value, spread, bottom, top, confidence, most)
        return Interval(low, high, f"wilson-effective-{100 * confidence:g}", reliable)
    if spread is None or spread.standard_error == 0 or (value <= bottom and not isinf(bottom)):
        return Interval(None, None, "none")
    reach = _critical(confidence, spread) * spread.standard_error
    if isinf(bottom):
        return Interval(value - reach, value + reach, f"t-{100 * confidence:g}", reliable)
    above, factor = value - bottom, exp(min(700.0, reach / (value - bottom)))
    return Interval(bottom + above / factor, bottom + above * factor, f"log-t-{100 * confidence:g}", reliable)


def _between(
    value: float, spread: Spread | None, bottom: float, top: float, confidence: float, most: float | None
) -> tuple[float, float]:
    """Wilson's interval at the effective number of examples. A single cluster, whose spread is unknown, counts as 1."""
    share = min(1.0, max(0.0, (value - bottom) / (top - bottom)))
    if spread is None:
        number = 1.0
    elif spread.standard_error == 0 or share in {0.0, 1.0}:
        number = spread.alike
    else:
        number = share * (1 - share) / (spread.standard_error / (top - bottom)) ** 2
        number = number if most is None else min(number, most)
        number *= (NormalDist().inv_cdf((1 + confidence) / 2) / _critical(confidence, spread)) ** 2
    low, high = wilson(share * number, number, confidence=confidence)
    return min(value, bottom + low * (top - bottom)), max(value, bottom + high * (top - bottom))


def _critical(confidence: float, spread: Spread) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + confidence) / 2, spread.freedom))
