"""Detects whether a series' share of negative items has risen: a CUSUM of sequential normal scores.

A period's share is compared with its series' quiet history. Its excess, divided by the spread that is expected for its
number of items, gives z; z is ranked among all earlier quiet periods, and its rank is turned into a normal score. While
nothing changes, ranks are independent and uniform for any distribution of shares and any length of the history. The
scores are then standard normal, and the false-alarm rate of their CUSUM (Page 1954) is known without estimating
anything: it follows from a Markov chain (Brook and Evans 1972).

If a day resembles the day before, ranks are not independent. Half of the correlation between consecutive periods is
therefore removed from each z before it is ranked, and the threshold allows for the rest: the variance of a sum of
correlated scores grows with the long-run variance, so the chain's steps use it, too. The correlation is estimated with
a margin, because histories are short.

Lombard and van Zyl 2018, Signed sequential rank CUSUMs; McDonald 1990, A CUSUM procedure based on sequential ranks.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.apps.monitor.store import Count

ALLOWANCE = 0.5
"""Subtracted from each score: half the shift that is detected fastest, which is one usual spread."""
CELLS = 100
"""States of the Markov chain."""
MOST_MEMORY = 0.8
MARGIN = 0.85
"""Standard errors added to the estimated memory; chosen with `benchmarks.opinion_alarms`."""
TAKEN = 0.5
"""The part of the memory that is removed; the threshold allows for the rest. Values from .3 to .75 differ little."""
GRID = 50
"""Long-run spreads are rounded up to 1 / GRID, so that series share their thresholds."""
NORMAL = NormalDist()

Value = TypeVar("Value", float, np.ndarray[Any, np.dtype[np.float64]])


@dataclass(frozen=True)
class Quiet:
    """A series' quiet behaviour.

    share: of negative items. within: the variance of an item's probability. between: the variance of a period's share
    beyond what its items explain. memory: the correlation of consecutive periods' z, including the margin. last: the
    last quiet period.
    """

    share: float
    within: float
    between: float
    memory: float
    last: int

    @classmethod
    def of(cls, counts: Sequence[Count]) -> Quiet:
        """Estimate it from the counts of quiet periods, at least three, all with items."""
        items = np.array([each.items for each in counts], float)
        negative = np.array([each.negative for each in counts])
        share = float(negative.sum() / items.sum())
        within = max(sum(each.squares for each in counts) / items.sum() - share**2, 1e-6)
        excess = ((negative - items * share) ** 2 - items * within).sum() / (items**2).sum()
        found = cls(share, within, max(float(excess), 0.0), 0.0, counts[-1].period)
        return replace(found, memory=_memory(np.array([found.excess(each) for each in counts])))

    def excess(self, count: Count) -> float:
        """A period's negative items beyond the expected number, in units of the expected spread."""
        spread = np.sqrt(count.items * self.within + count.items**2 * self.between)
        return float((count.negative - count.items * self.share) / spread)

    def news(self, z: Value, before: Value) -> Value:
        """The part of a period's z that does not stem from the previous period; elementwise for arrays."""
        return z - TAKEN * self.memory * before

    def rise(self, shift: float) -> float:
        """The shift of the scores if z shifts by `shift`."""
        taken = TAKEN * self.memory
        return shift * (1 - taken) / sqrt(1 - 2 * taken * self.memory + taken**2)

    @property
    def spread(self) -> float:
        """The standard deviation of a long sum of scores, relative to a sum of independent ones.

        It follows from a first-order autoregression with this memory, of which the part TAKEN is removed.
        """
        return ceil(GRID * self.rise(1.0) * sqrt((1 + self.memory) / (1 - self.memory))) / GRID


def _memory(z: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """The correlation of each value with the next: the usual estimate, corrected for bias (Kendall 1954), plus MARGIN.

    An estimate that is too low causes false alarms; one that is too high delays the detection of small rises.
    """
    z = z - z.mean()
    usual = float((z[1:] * z[:-1]).sum() / max((z**2).sum(), 1e-12))
    return float(min(max(usual + (1 + 3 * usual) / len(z) + MARGIN / len(z) ** 0.5, 0.0), MOST_MEMORY))


@dataclass(frozen=True)
class State:
    """A series' state after a period.

    onset: the period in which its CUSUM left zero. surging: from an alarm until the CUSUM is back at zero. surges: the
    first and the last period of each.
    """

    period: int
    statistic: float = 0.0
    onset: int | None = None
    surging: bool = False
    surges: Sequence[Sequence[int]] = ()

    def was_surging(self, period: int) -> bool:
        """Whether a period lies in a surge."""
        return any(first <= period <= last for first, last in self.surges)


def step(state: State, period: int, score: float, threshold: float) -> tuple[State, bool]:
    """The state after one more period, and whether it raises an alarm.

    After an alarm, the next one is possible only once the statistic was back at zero. Until then the statistic is
    capped at the threshold, so that it returns soon after the surge has ended.
    """
    statistic = max(0.0, min(state.statistic, threshold) + score - ALLOWANCE)
    alarm = statistic >= threshold and not state.surging
    surging = statistic > 0 and (state.surging or alarm)
    onset = None if statistic == 0 else period if state.onset is None else state.onset
    surges = [*state.surges]
    if surging:
        surges = [*surges[:-1], (surges[-1][0], period)] if state.surging else [*surges, (period, period)]
    return State(period, statistic, onset, surging, surges), alarm


def normal_score(earlier: Sequence[float], value: float) -> float:
    """The normal score of a value's rank among the sorted earlier values and itself; ties get the middle rank."""
    below, up_to = bisect.bisect_left(earlier, value), bisect.bisect_right(earlier, value)
    return NORMAL.inv_cdf(((below + up_to) / 2 + 0.5) / (len(earlier) + 1))


@lru_cache(maxsize=2**14)
def threshold(rate: float, spread: float = 1.0) -> float:
    """The threshold at which a quiet series raises `rate` alarms per period, to three digits.

    spread: `Quiet.spread`. The mean number of periods from zero to an alarm (Brook and Evans 1972) is 1 / rate. The
    time until the statistic is back at zero is not counted, so there are slightly fewer alarms.
    """
    low, high = 0.0, 40.0 * max(spread, 1.0) ** 2
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(middle, 0.0, spread) < 1 / rate else (low, middle)
    return high


def run_length(limit: float, shift: float = 0.0, spread: float = 1.0) -> float:
    """The mean number of periods in which a CUSUM of normal scores rises from zero to a limit.

    shift, spread: the scores' mean and standard deviation.
    """
    from scipy.special import ndtr

    width = limit / (CELLS - 0.5)  # the first cell, around zero, is half as wide
    states = np.arange(CELLS) * width
    upper = ndtr((states[None, :] + width / 2 - states[:, None] + ALLOWANCE - shift) / spread)
    moves = np.diff(upper, axis=1, prepend=0.0)
    return float(np.linalg.solve(np.eye(CELLS) - moves, np.ones(CELLS))[0])
