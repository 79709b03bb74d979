"""The interval of a mean score, which covers variation over seeds and test examples; never beyond the metric's range.

Computed like the interval of a single score (`interval`), with the variance over seeds added to that over examples: for
a metric with two bounds Wilson's interval at the effective number of examples, otherwise Student's t. If nothing
varies, for example because all answers are right, Wilson's interval at the number of examples still has a width;
without two bounds the width is unknown.

`intervals` is for the methods of a comparison, with answers to the same examples. `of_runs` is for runs of which only
the scores and their intervals are known. These show the variation over examples, but not how much of it all seeds
share, so the interval is conservative.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isinf, sqrt
from statistics import NormalDist, fmean, variance
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from pefbench.stats.moderated import seed_variance
from pefbench.stats.wilson import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.stats.family import Family
    from pefbench.stats.resampling import Array

CONFIDENCE = 0.95
CARE = 0.2
"""Weight of the seeds' own degrees of freedom: Satterthwaite's are estimates, and too high if seeds score alike."""


def intervals(family: Family, ends: Sequence[tuple[float, float]]) -> list[tuple[float, float] | tuple[None, None]]:
    """The 95 % interval of each method's mean. ends: the metric's range for each, as `range_of` gives it."""
    variance = seed_variance(family)
    over = np.maximum(0.0, np.diagonal(family.shared))
    errors = np.sqrt(over + variance.value) * (family.examples > 1)  # a single cluster shows no variance: unknown
    freedom = _freedom(over, variance.value, variance.freedom, max(1, family.examples - 1))
    critical = stdtrit(freedom, (1 + CONFIDENCE) / 2)
    return [
        _interval(value, error, each, family.examples, at)
        for value, error, each, at in zip(family.means.tolist(), errors.tolist(), critical.tolist(), ends, strict=True)
    ]


MANY = 1_000_000
"""Assumed number of examples if it is unknown; a larger number would not change any quantile."""


@dataclass(frozen=True)
class Mean:
    """The mean of runs that differ in their seed. low, high: None if they are unknown.

    error, freedom: its standard error over seeds and examples, and the degrees of freedom. The error is half the width
    of the interval over Student's critical value, so it is positive even if all runs score alike.
    """

    value: float
    low: float | None
    high: float | None
    error: float
    freedom: float


def of_runs(runs: Sequence[tuple[float, float, float]], examples: int | None, ends: tuple[float, float]) -> Mean:
    """The mean of runs' scores. A single run keeps its own interval, which says nothing about seeds.

    runs: value and interval of each. examples: size of the split; None: unknown.
    """
    if len(runs) == 1:
        [(value, low, high)] = runs
        reach = (high - low) / 2 / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        return Mean(value, low, high, reach, max(1, (examples or MANY) - 1))
    values = [value for value, _, _ in runs]
    number = min(fmean(_effective_number(*run, ends) for run in runs), examples or inf)
    over = np.array([fmean(_error(*run, ends) ** 2 for run in runs)])
    between = np.array([variance(values) / len(runs)])
    seeds = np.array([len(runs) - 1.0])
    freedom = float(_freedom(over, between, seeds, max(1, round(min(examples or number, MANY)) - 1))[0])
    critical, error = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)), sqrt(float(over[0] + between[0]))
    found = _interval(fmean(values), error, critical, number, ends)
    if found[0] is None:
        return Mean(fmean(values), None, None, error, freedom)
    return Mean(fmean(values), *found, (found[1] - found[0]) / 2 / critical, freedom)


def _effective_number(value: float, low: float, high: float, ends: tuple[float, float]) -> float:
    """The number of examples at which Wilson's interval of a score is this one; infinite if it has no width."""
    bottom, top = ends
    if isinf(bottom) or isinf(top):
        return inf
    width, z = top - bottom, NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    found = [
        z**2 * share * (1 - share) / ((end - value) / width) ** 2
        for end in (low, high)
        if end != value and 0 < (share := (end - bottom) / width) < 1
    ]
    return fmean(found) if found else inf


def _error(value: float, low: float, high: float, ends: tuple[float, float]) -> float:
    """The standard error over examples that a score's interval implies."""
    bottom, top = ends
    if isinf(bottom) or isinf(top):
        return (high - low) / 2 / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = min(1.0, max(0.0, (value - bottom) / (top - bottom)))
    return (top - bottom) * sqrt(share * (1 - share) / _effective_number(value, low, high, ends))


def _interval(
    value: float, error: float, critical: float, examples: float, ends: tuple[float, float]
) -> tuple[float, float] | tuple[None, None]:
    """The interval of a mean; (None, None) if unknown. examples: Wilson's number of examples if no score varies."""
    bottom, top = ends
    if isinf(top) or isinf(bottom):
        return (max(bottom, value - critical * error), value + critical * error) if error > 0 else (None, None)
    width = top - bottom
    share = min(1.0, max(0.0, (value - bottom) / width))
    number = float(examples)
    if isinf(number) and error == 0:
        return None, None
    if error > 0 and 0 < share < 1:
        z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        number = share * (1 - share) / (error / width) ** 2 * (z / critical) ** 2
    low, high = wilson(share * number, number, confidence=CONFIDENCE)
    return min(value, bottom + low * width), max(value, bottom + high * width)


def _freedom(over: Array, between: Array, freedom: Array, examples: int) -> Array:
    total = over + between
    spread = over**2 / examples + between**2 / freedom
    whole: Array = np.where(between > 0, total**2 / np.where(spread > 0, spread, 1.0), examples)
    careful = np.where(between > 0, freedom, examples)
    mixed: Array = 1 / ((1 - CARE) / whole + CARE / careful)
    return mixed
