"""All pairs of methods at once: step-down max-t on a parametric bootstrap.

Westfall and Young, "Resampling-Based Multiple Testing" (1993); Romano and Wolf, "Exact and approximate stepdown methods
for multiple hypothesis testing" (2005). The statistics of all pairs are drawn jointly, under the hypothesis that all
methods are equally good, so the test uses the dependence between pairs; Holm's correction assumes the worst case
instead. With |t| in descending order, the adjusted p of a pair is

    p = (1 + draws in which the greatest |t| of this pair and all pairs after it reaches its observed |t|) / (B + 1)

and at least that of the pair before it. It is the probability of one or more false alarms among all pairs.

In each draw the methods' means are normal, with the covariance over examples and the variance over seeds. Both are
estimated again in each draw, with their own degrees of freedom, pair by pair as in Welch and Satterthwaite
(Krishnamoorthy, Lu and Mathew, "A parametric bootstrap approach for ANOVA with unequal variances", 2007). The true
variances over seeds are unknown, and using their estimates is anti-conservative if the seeds of a noisy method happen
to score alike. So half of the draws also draw the true variances given the estimates: v f / chi2(f).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pefbench.stats.family import Family
    from pefbench.stats.moderated import SeedVariance
    from pefbench.stats.resampling import Array

DRAWS = 50_000
"""B: a p-value of 0.05 then has a Monte Carlo error of 0.001, one of 0.025 an error of 0.0007."""
OPEN = 2
"""One draw in this many also draws the true variances."""
_TINY = 1e-300


@dataclass(frozen=True)
class Draws:
    """Draws of all pairs under the hypothesis that the methods are equally good: (..., draws, pairs).

    shift: the difference of means. error: its estimated standard error.
    """

    shift: Array
    error: Array

    @property
    def t(self) -> Array:
        """The absolute statistics."""
        found: Array = np.abs(self.shift) / np.maximum(self.error, _TINY)
        return found


def standard_errors(family: Family, variance: SeedVariance) -> Array:
    """The standard error of each pair's difference, (..., pairs); at least that of the examples alone."""
    first, second = family.pairs
    seeds = variance.value[..., first] + variance.value[..., second]
    found: Array = np.sqrt(_over_examples(family) + seeds)
    return found


def draw(family: Family, variance: SeedVariance, *, draws: int = DRAWS, seed: int = 0) -> Draws:
    """Draw the pairs' differences and standard errors; for one seed the same, whatever the order of the methods."""
    random = np.random.default_rng(seed)
    first, second = family.pairs
    leading, k = family.means.shape[:-1], family.means.shape[-1]
    order = np.lexsort((family.between, family.means), axis=-1)
    rank = np.argsort(order, axis=-1)

    def of_methods(values: Array) -> Array:
        """Rearrange draws from the order of the means to the order of the methods."""
        found: Array = np.take_along_axis(values, rank[..., None, :], axis=-1)
        return found

    shape = (*leading, draws, k)
    freedom = np.broadcast_to(variance.freedom, family.means.shape)
    ordered = np.take_along_axis(freedom, order, axis=-1)[..., None, :]
    normal = of_methods(random.standard_normal(shape))
    mean = normal @ _root(family.shared)
    truth = np.repeat(variance.value[..., None, :], draws, axis=-2)
    half = draws // OPEN
    open_ = random.chisquare(np.broadcast_to(ordered, (*leading, half, k))) / ordered
    truth[..., :half, :] /= np.maximum(of_methods(open_), _TINY)
    mean += of_methods(random.standard_normal(shape)) * np.sqrt(truth)
    estimated = truth * of_methods(random.chisquare(np.broadcast_to(ordered, shape)) / ordered)
    examples = max(1, family.examples - 1)
    over = _over_examples(family)[..., None, :] * (random.chisquare(examples, (*leading, draws)) / examples)[..., None]
    error = np.sqrt(over + estimated[..., first] + estimated[..., second])
    return Draws(mean[..., first] - mean[..., second], error)


def statistics(differences: Array, errors: Array) -> Array:
    """|t| of each pair: 0 if there is no difference, infinite if the difference does not vary."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(differences == 0, 0.0, np.abs(differences) / errors)
    return found


def adjusted(observed: Array, drawn: Array) -> Array:
    """The step-down p-values. observed: |t|, (..., pairs). drawn: (..., draws, pairs)."""
    order = np.argsort(observed, axis=-1, kind="stable")
    ascending = np.take_along_axis(observed, order, axis=-1)
    greatest = np.maximum.accumulate(np.take_along_axis(drawn, order[..., None, :], axis=-1), axis=-1)
    p = ((greatest >= ascending[..., None, :]).sum(axis=-2) + 1) / (drawn.shape[-2] + 1)
    falling = np.maximum.accumulate(p[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty_like(falling)
    np.put_along_axis(found, order, falling, axis=-1)
    return found


def alone(observed: Array, drawn: Array) -> Array:
    """The p-value of each pair by itself."""
    found: Array = ((drawn >= observed[..., None, :]).sum(axis=-2) + 1) / (drawn.shape[-2] + 1)
    return found


def _over_examples(family: Family) -> Array:
    """The variance over examples of each pair's difference, without `chance`: the variance over seeds contains that."""
    first, second = family.pairs
    shared = family.shared
    diagonal = np.diagonal(shared, axis1=-2, axis2=-1)
    found: Array = diagonal[..., first] + diagonal[..., second] - 2 * shared[..., first, second]
    # For equal methods the terms still differ in their last digits.
    return np.where(found > 1e-12 * (diagonal[..., first] + diagonal[..., second]), found, 0.0)


def _root(matrix: Array) -> Array:
    """The symmetric square root of the nearest covariance matrix; independent of the order of methods."""
    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return root
