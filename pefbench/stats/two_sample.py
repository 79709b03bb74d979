"""Student's two-sample test over seeds: whether new runs score differently from earlier runs of the same recipe.

All runs answered the same test examples, and the question is about these examples. So the variance is over seeds, not
over the draw of examples. It is at least what answers that change from run to run explain (`chance`), in case a few
seeds happen to score alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pefbench.stats import variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.stats.resampling import Scores


@dataclass(frozen=True)
class Change:
    """Mean of the new runs minus mean of the old, with its 95 % interval.

    p: two-sided, against no change. error, freedom: the difference's standard error and its degrees of freedom.
    """

    value: float
    low: float
    high: float
    p: float
    error: float
    freedom: int


def change(old: Sequence[float], new: Sequence[float], chance: float = 0.0) -> Change:
    """Compare the scores of runs. chance: a lower bound of the variance of a run's score over seeds.

    Raises ValueError if neither side has two runs or one side has none: the variance over seeds is then unknown.
    """
    freedom = len(old) + len(new) - 2
    if not old or not new or freedom < 1:
        raise ValueError(f"{len(old)} old and {len(new)} new runs: one side needs two")
    from scipy import stats

    value = float(np.mean(new) - np.mean(old))
    squares = sum(float(((np.asarray(runs) - np.mean(runs)) ** 2).sum()) for runs in (old, new))
    error = math.sqrt(max(squares / freedom, chance) * (1 / len(old) + 1 / len(new)))
    reach = float(stats.t.ppf(0.975, freedom)) * error
    if math.isclose(value, 0.0, abs_tol=1e-12):
        p = 1.0
    else:
        p = float(2 * stats.t.sf(abs(value) / error, freedom)) if error else 0.0
    return Change(value, value - reach, value + reach, p, error, freedom)


def chance(scores: Scores) -> float:
    """The variance of one run's score due to seed and examples together, from two or more runs: see `variance`."""
    return len(scores.values) * variance.chance(scores)
