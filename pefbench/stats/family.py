"""The methods that are compared, as a family: their means, and the parts of the variances of these.

A score of method m with seed s on the test set is taken as

    score = truth_m + examples_m + seed_ms + chance_ms

`examples` is what the draw of test examples does to every seed of the method alike, `seed` is how good the run is, and
`chance` is what seed and examples do together. The parts are estimated as in a two-way layout with random effects
(Searle, Casella and McCulloch, "Variance Components", 1992, chapter 4): the variance of the scores over seeds holds
`seed` and `chance`; that of the mean over resamples of the examples holds `examples` and `chance`.

Seeds are not resampled: three of them, drawn with replacement, give ten different samples, whose variance is short by
a third. Resampling both ways at once counts `chance` up to three times (Owen, "The pigeonhole bootstrap", 2007).
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
"""Of a variance: what equal values' parts differ by in their last digits."""


@dataclass(frozen=True)
class Family:
    """k methods. All arrays may have further axes in front, for many families at once.

    means: over seeds, (k,). covariance: of these means over test examples, (k, k). chance: the part of each diagonal
    entry that seeds and examples make together, (k,). between: the variance of each mean over seeds, which holds
    `chance` too, (k,); 0 with one seed. seeds: how many, (k,). examples: of the test split.
    """

    means: Array
    covariance: Array
    chance: Array
    between: Array
    seeds: tuple[int, ...]
    examples: int

    @property
    def shared(self) -> Array:
        """The covariance of means over examples without `chance`: as it would be with any number of seeds."""
        found = self.covariance.copy()
        place = np.arange(len(self.seeds))
        found[..., place, place] -= self.chance
        return found

    @property
    def pairs(self) -> tuple[Places, Places]:
        """The indices of the first and of the second method of each pair, in the order of `combinations`."""
        first, second = np.triu_indices(len(self.seeds), 1)
        return first, second

    @property
    def differences(self) -> Array:
        """Mean of the first minus mean of the second, of each pair: (pairs,)."""
        first, second = self.pairs
        found: Array = self.means[..., first] - self.means[..., second]
        # Means of equal scores in another order differ in their last digit.
        return np.where(np.abs(found) < 1e-12, 0.0, found)

    def with_seeds(self, seeds: int) -> Family:
        """The family as it is to be expected with another number of seeds, the same for each method."""
        ratio = np.asarray(self.seeds) / seeds
        chance = self.chance * ratio
        covariance = self.shared
        place = np.arange(len(self.seeds))
        covariance[..., place, place] += chance
        new = (seeds,) * len(self.seeds)
        return replace(self, covariance=covariance, chance=chance, between=self.between * ratio, seeds=new)

    def with_examples(self, times: float) -> Family:
        """The family as it is to be expected with so many times as many test examples."""
        seed_alone = np.maximum(0.0, self.between - self.chance)
        chance = self.chance / times
        examples = round(self.examples * times)
        between = np.where(self.between > self.chance, seed_alone + chance, self.between / times)
        return replace(
            self, covariance=self.covariance / times, chance=chance, between=between, examples=max(2, examples)
        )


def of_scores(scores: Sequence[Scores]) -> Family:
    """The family of methods that were scored on the same resamples. Raises ValueError when they were not."""
    shapes = {(each.resampled.shape[1], each.examples) for each in scores}
    if len(shapes) != 1:
        raise ValueError(f"scores of unlike runs (resamples, examples): {sorted(shapes)}")
    examples = scores[0].examples
    correction = examples / max(1, examples - 1)  # a bootstrap's variance is that of the sample, over n
    resampled = np.stack([each.resampled.mean(axis=0) for each in scores])
    covariance = correction * np.cov(resampled, ddof=0).reshape(len(scores), len(scores))
    single = correction * np.array([np.var(each.resampled, axis=1).mean() for each in scores])
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


def _between(values: Array) -> float:
    """The variance of a mean over seeds, by the values; 0 where they do not vary, or there is one."""
    varies = len(values) > 1 and np.ptp(values) > _ROUNDING
    return float(np.var(values, ddof=1)) / len(values) if varies else 0.0
