"""Power of the test of all pairs: detectable differences, and the seeds or examples that would decide a pair.

Power is computed with the test procedure itself. A true difference `delta` of a pair is shown in a draw of `step_down`
if |delta + shift| / error is at least the critical value. The critical value is that of the step-down: a quantile of
the greatest |t| among this pair and all that were still open when it was tested. (Why to report power: Card et al.,
"With Little Power Comes Great Responsibility", 2020.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pefbench.stats.moderated import seed_variance
from pefbench.stats.step_down import draw

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from pefbench.stats.family import Family
    from pefbench.stats.resampling import Array
    from pefbench.stats.step_down import Draws

    Chosen = npt.NDArray[np.bool_]

POWER = 0.8
MOST_SEEDS = 100
MOST_EXAMPLES = 100.0
"""As a multiple of the current number of examples."""
DRAWS = 4000
"""Draws for each number of seeds or examples that is tried."""


def critical_values(observed: Array, drawn: Array, level: float) -> Array:
    """The |t| that each pair had to reach. observed: (pairs,), drawn: (draws, pairs)."""
    order = np.argsort(observed, kind="stable")
    greatest = np.maximum.accumulate(drawn[:, order], axis=1)
    thresholds = np.quantile(greatest, 1 - level, axis=0)
    shown = observed[order] >= thresholds
    # Once a pair is not shown, all pairs that are still open share its threshold.
    stop = len(order) - 1 - int(np.argmin(shown[::-1])) if not shown.all() else 0
    found = np.empty(len(order))
    found[order] = np.where(np.arange(len(order)) <= stop, thresholds[stop], thresholds)
    return found


def detectable(draws: Draws, critical: Array) -> Array:
    """The smallest true difference of each pair that would be shown in 80 % of cases, (pairs,)."""
    found: Array = np.quantile(critical * draws.error - draws.shift, POWER, axis=0)
    return found


@dataclass(frozen=True)
class Needed:
    """What would decide a pair: a number of seeds or of test examples; None: that alone would not."""

    seeds: int | None = None
    examples: int | None = None


def needed(family: Family, open_: Chosen, level: float, margin: float) -> list[Needed]:
    """What would decide each open pair in 80 % of cases, if the observed differences were the true ones.

    Decided means shown to differ, or shown to differ by less than `margin`. If no number of seeds would do, because the
    variance over examples is too large, the result is the number of test examples needed with the current number of
    seeds, but at least ten. open_: which pairs are open, (pairs,).
    """
    now = max(family.seeds)
    seeds = _first(
        ((count, family.with_seeds(count)) for count in _counts(min(family.seeds) + 1)), open_, level, margin, family
    )
    left = open_ & np.array([count is None for count in seeds])
    many = family.with_seeds(max(now, 10))
    examples = _first(
        ((times, many.with_examples(times)) for times in _times()), left, level, margin, family
    )  # the variance over seeds stays
    return [
        Needed(None if count is None else int(count), None if times is None else _readable(family.examples * times))
        for count, times in zip(seeds, examples, strict=True)
    ]


def _first(
    tried: Iterable[tuple[float, Family]], open_: Chosen, level: float, margin: float, observed: Family
) -> list[float | None]:
    """The first tried amount that decides each open pair; None if none does."""
    found: list[float | None] = [None] * len(open_)
    left = open_.copy()
    for amount, family in tried:
        if not left.any():
            break
        decided = left & (_decides(family, observed.differences, open_, level, margin) >= POWER)
        for place in np.flatnonzero(decided):
            found[place] = amount
        left &= ~decided
    return found


def _decides(family: Family, differences: Array, open_: Chosen, level: float, margin: float) -> Array:
    """The probability that each pair is decided if the observed differences are the true ones."""
    draws = draw(family, seed_variance(family), draws=DRAWS)
    t = draws.t
    step = np.quantile(t[:, open_].max(axis=1), 1 - level)
    single = np.quantile(t.max(axis=1), 1 - level)
    away = np.abs(differences + draws.shift)
    shown = away >= step * draws.error
    alike = away + single * draws.error < margin
    found: Array = (shown | alike).mean(axis=0)
    return found


def _counts(least: int) -> Iterable[int]:
    """Numbers of seeds to try: every number up to 20, then in steps of about 10 %."""
    count = max(2, least)
    while count <= MOST_SEEDS:
        yield count
        count = count + 1 if count < 20 else math.ceil(count * 1.1)


def _times() -> Iterable[float]:
    times = 1.0
    while times < MOST_EXAMPLES:
        times *= 1.15
        yield times


def _readable(count: float) -> int:
    """A count rounded to two significant digits."""
    return int(float(f"{count:.2g}"))
