"""Racing: which of several settings, run with the same seeds, are shown to be worse than the best.

A seed affects all settings alike (the same order of examples), so the scores form a two-way layout of settings and
seeds, and the residual is the noise. Pairs are tested by Tukey's studentized range, which holds for all pairs at once,
so also for pairs with the observed best (Tukey 1953). Birattari et al. 2002 race by Friedman's test, which needs more
than a few blocks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FEWEST = 3
"""Seeds before a setting may be dropped: two say hardly anything about the noise."""


def worse(scores: Mapping[int, Sequence[float]], level: float, *, higher: bool) -> dict[int, float]:
    """The settings shown to be worse than the one with the best mean, each with its p-value, which is below `level`.

    scores: setting -> its score with each seed; the seeds are the same for all. level: of the whole family of pairs.
    """
    from scipy.stats import studentized_range

    names = list(scores)
    table = np.array([scores[name] for name in names], dtype=float)
    settings, seeds = table.shape
    if settings < 2 or seeds < FEWEST:
        return {}
    means = table.mean(axis=1)
    left = table - means[:, None] - table.mean(axis=0)[None, :] + table.mean()
    freedom = (settings - 1) * (seeds - 1)
    error = math.sqrt((left**2).sum() / freedom / seeds)
    if error < 1e-12:  # settings differ by the same amount with every seed, which says no more than one seed
        return {}
    gaps = (means.max() - means) if higher else (means - means.min())
    found: dict[int, float] = {}
    for place in np.argsort(-gaps):  # the worst first: if one setting stays, all better ones do
        chance = float(studentized_range.sf(gaps[place] / error, settings, freedom))
        if chance >= level:
            break
        found[names[place]] = chance
    return found
