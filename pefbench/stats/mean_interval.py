"""The interval of a method's mean, over seeds and test examples: never beyond the metric's range.

As the interval of a single score (`interval`), with the variance over seeds added to that over examples: between two
ends Wilson's at the effective number of examples, else Student's t. Where nothing varies, as where all answers are
right, Wilson's interval at the number of examples still has a width; without two ends the width is unknown.
"""

from __future__ import annotations

from math import isinf
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from pefbench.stats.moderated import seed_variance
from pefbench.stats.wilson import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.stats.family import Family
    from pefbench.stats.resampling import Array

CONFIDENCE = 0.95
CARE = 0.2
"""Weight of the seeds' own degrees of freedom: Satterthwaite's are estimated, and too many where seeds score alike."""


def intervals(family: Family, ends: Sequence[tuple[float, float]]) -> list[tuple[float, float] | tuple[None, None]]:
    """The 95 % interval of each method's mean. ends: the range of each, as its value shows it."""
    variance = seed_variance(family)
    over = np.maximum(0.0, np.diagonal(family.shared))
    errors = np.sqrt(over + variance.value)
    freedom = _freedom(over, variance.value, variance.freedom, max(1, family.examples - 1))
    critical = stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    return [
        _interval(value, error, each, family.examples, at)
        for value, error, each, at in zip(family.means.tolist(), errors.tolist(), critical.tolist(), ends, strict=True)
    ]


def _interval(
    value: float, error: float, critical: float, examples: int, ends: tuple[float, float]
) -> tuple[float, float] | tuple[None, None]:
    bottom, top = ends
    if isinf(top) or isinf(bottom):
        return (max(bottom, value - critical * error), value + critical * error) if error > 0 else (None, None)
    width = top - bottom
    share = min(1.0, max(0.0, (value - bottom) / width))
    number = float(examples)
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
