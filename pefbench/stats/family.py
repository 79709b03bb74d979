"""The compared methods as a family: their means and the components of the means' variances.

The model of a score of method m with seed s on the test set is

    score = truth_m + examples_m + seed_ms + chance_ms

`examples` is the effect of the draw of test examples, the same for every seed of the method. `seed` is the quality of
the run. `chance` is the interaction of seed and examples. The components are estimated as in a two-way layout with
random effects (Searle, Casella and McCulloch, "Variance Components", 1992, chapter 4): the variance of the scores over
seeds contains `seed` and `chance`; that of the mean over resamples of the examples contains `examples` and `chance`.

Seeds are not resampled: three seeds, drawn with replacement, give ten different samples, whose variance is too small
by a third. Resampling both ways at once counts `chance` up to three times (Owen, "The pigeonhole bootstrap", 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.stats.resampling import Array, Scores

    Places = npt.NDArray[np.int_]


_ROUNDING = 1e-12
"""Relative size of rounding errors in a variance: smaller components count as 0."""


@dataclass(frozen=True)
class Family:
    """k methods. All arrays may have leading axes, for many families at once.

    means: over seeds, (k,). covariance: of these means over test examples, (k, k). chance: the part of each diagonal
    entry that is due to seed and examples together, (k,). between: the variance of each mean over seeds, which also
    contains `chance`, (k,); 0 with one seed. seeds: how many each method has, (k,). examples: size of the test split,
    in clusters if it has any; with a single one the variance over examples is unknown, and 0 here.
    """

    means: Array
    covariance: Array
    chance: Array
    between: Array
    seeds: tuple[int, ...]
    examples: int

    @property
    def shared(self) -> Array:
        """The covariance of means over examples without `chance`; it does not depend on the number of seeds."""
        found = self.covariance.copy()
        place = np.arange(len(self.seeds))
        found[..., place, place] -= self.chance
        return found

    @property
    def pairs(self) -> tuple[Places, Places]:
        """The indices of each pair's first and second method, in the order of `combinations`."""
        first, second = np.triu_indices(len(self.seeds), 1)
        return first, second

    @property
    def differences(self) -> Array:
        """Mean of the first minus mean of the second method of each pair, (pairs,)."""
        first, second = self.pairs
        found: Array = self.means[..., first] - self.means[..., second]
        # Means of the same scores in another order differ in their last digit.
        return np.where(np.abs(found) < 1e-12, 0.0, found)

    def with_seeds(self, seeds: int) -> Family:
        """The family to expect with another number of seeds, the same for each method."""
        ratio = np.asarray(self.seeds) / seeds
        chance = self.chance * ratio
        covariance = self.shared
        place = np.arange(len(self.seeds))
        covariance[..., place, place] += chance
        new = (seeds,) * len(self.seeds)
        return replace(self, covariance=covariance, chance=chance, between=self.between * ratio, seeds=new)

    def with_examples(self, times: float) -> Family:
        """The family to expect with `times` as many test examples."""
        seed_alone = np.maximum(0.0, self.between - self.chance)
        chance = self.chance / times
        examples = round(self.examples * times)
        between = np.where(self.between > self.chance, seed_alone + chance, self.between / times)
        return replace(
            self, covariance=self.covariance / times, chance=chance, between=between, examples=max(2, examples)
        )


def of_scores(scores: Sequence[Scores]) -> Family:
    """The family of methods that were scored on the same resamples. Raises ValueError if they were not."""
    shapes = {(each.resampled.shape[1], each.examples) for each in scores}
    if len(shapes) != 1:
        raise ValueError(f"scores of unlike runs (resamples, examples): {sorted(shapes)}")
    examples = scores[0].examples
    correction = examples / max(1, examples - 1)  # a bootstrap's variance is that of the sample, over n
    runs = [_varying(each.resampled) for each in scores]
    resampled = np.stack([each.mean(axis=0) for each in runs])
    covariance = correction * np.cov(resampled, ddof=0).reshape(len(scores), len(scores))
    single = correction * np.array([np.var(each, axis=1).mean() for each in runs])
    seeds = np.array([len(each.values) for each in scores])
    several = np.maximum(1, seeds - 1)
    chance = np.where(seeds > 1, np.maximum(0.0, single - np.diag(covariance)) / several, 0.0)
    chance = np.where(chance > _ROUNDING * single, chance, 0.0)
    between = [_between(each.values) for each in scores]
    return Family(
        means=np.array([each.mean for each in scores]),
        covariance=covariance,
        chance=chance,
        between=np.array(between),
        seeds=tuple(seeds.tolist()),
        examples=examples,
    )


def _varying(resampled: Array) -> Array:
    """Each run's scores on the resamples, (seeds, resamples); 0 if they differ by rounding alone, as in one cluster."""
    least = _ROUNDING * np.maximum(1.0, np.abs(resampled).max(axis=1, keepdims=True))
    found: Array = np.where(np.ptp(resampled, axis=1, keepdims=True) > least, resampled, 0.0)
    return found


def _between(values: Array) -> float:
    """The variance of a mean over seeds; 0 if the values do not vary or there is only one."""
    varies = len(values) > 1 and np.ptp(values) > _ROUNDING
    return float(np.var(values, ddof=1)) / len(values) if varies else 0.0
