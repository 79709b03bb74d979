"""The variance of each method's mean over seeds, moderated across methods, since five seeds of one method say little.

Smyth, "Linear models and empirical Bayes methods for assessing differential expression" (2004), equation 1: a variance
s^2 with d degrees of freedom becomes (d0 s0^2 + d s^2) / (d0 + d), with d0 + d degrees of freedom. Here s0^2 is the
common variance of all methods and d0 its weight. Smyth estimates d0 from the spread of the log variances. Four to eight
methods are too few for that: in simulations, family-wise false alarms were 10 % if one method's seeds vary ten times as
much as the others'. So d0 is fixed at 2, and there are two floors. A variance is never below the method's own estimate,
so that quiet methods do not mask a noisy one. Nor is it below `chance`, which the examples explain, in case the seeds
happen to score alike.

Below five seeds even that is anti-conservative (9 % in the same simulation, with three seeds): each method then keeps
its own variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pefbench.stats.family import Family
    from pefbench.stats.resampling import Array

PRIOR_FREEDOM = 2
LEAST_SEEDS = 5
"""Seeds from which variances are moderated."""


@dataclass(frozen=True)
class SeedVariance:
    """value: the variance of each method's mean over seeds, (..., k). freedom: its degrees of freedom, (k,)."""

    value: Array
    freedom: Array


def seed_variance(family: Family) -> SeedVariance:
    """The variance over seeds of each method's mean; 0 with one seed, when it is unknown."""
    seeds = np.asarray(family.seeds)
    own = np.maximum(family.between, family.chance)
    freedom = np.maximum(1.0, seeds - 1.0)
    if seeds.min() < LEAST_SEEDS:
        return SeedVariance(own, freedom)
    single, explained = family.between * seeds, family.chance * seeds  # of one run
    weights = freedom / freedom.sum()
    common = np.maximum((single * weights).sum(axis=-1), (explained * weights).sum(axis=-1))[..., None]
    moderated = (PRIOR_FREEDOM * common + freedom * single) / (PRIOR_FREEDOM + freedom) / seeds
    return SeedVariance(np.maximum(moderated, own), freedom + PRIOR_FREEDOM)
