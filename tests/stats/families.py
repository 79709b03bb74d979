"""Simulated families of methods, thousands at once: how often the verdict on all pairs is wrong or finds something.

An example is answered right where a sum of normal draws is above 0. Their variances add up to one whatever a method's
spread over seeds, so that methods with the same `level` are exactly equally good on average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from pefbench.stats.family import Family
from pefbench.stats.moderated import seed_variance
from pefbench.stats.power import critical_values, detectable
from pefbench.stats.step_down import adjusted, draw, standard_errors, statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

DRAWS = 500
"""For each simulated family: the p-values are coarser than those that users see, not biased."""
WEIGHTS = 4_000_000
"""Outcomes that are drawn at once."""


@dataclass(frozen=True)
class Truth:
    """How outcomes come about.

    seeds, examples: of each method. levels: how good each method is, as a normal quantile of its accuracy. spreads: the
    standard deviation over seeds, in the same unit: 0.1 is about 2.2 points of accuracy at 86 %. hard, taste: the
    variance over examples, of all methods and of each. together: the correlation of the same seed of two methods.
    f1: an outcome counts entities instead, for a corpus F1.
    """

    seeds: int
    examples: int = 250
    levels: tuple[float, ...] = (1.08,) * 4
    spreads: tuple[float, ...] = (0.1,) * 4
    hard: float = 0.5
    taste: float = 0.1
    together: float = 0.0
    f1: bool = False

    def outcomes(self, random: np.random.Generator, times: int) -> tuple[Array, Array]:
        """What adds up to the numerator and to the denominator of a score: (times, methods, seeds, examples)."""
        k, shape = len(self.levels), (times, len(self.levels), self.seeds, self.examples)
        spreads = np.asarray(self.spreads)[:, None, None]
        rest = np.sqrt(1 - self.hard - self.taste - spreads**2)
        seed = np.sqrt(self.together) * random.standard_normal((times, 1, self.seeds, 1))
        seed = seed + np.sqrt(1 - self.together) * random.standard_normal((times, k, self.seeds, 1))
        at = np.asarray(self.levels)[:, None, None] + spreads * seed
        at = at + np.sqrt(self.hard) * random.standard_normal((times, 1, 1, self.examples))
        at = at + np.sqrt(self.taste) * random.standard_normal((times, k, 1, self.examples))
        at = at + rest * random.standard_normal(shape, dtype=np.float32)
        if not self.f1:
            return (at > 0).astype(np.float64), np.ones(shape)
        found = special.ndtr(2 * at)
        gold = random.choice([0, 0, 1, 1, 2, 3], size=(times, 1, 1, self.examples))
        right = random.binomial(np.broadcast_to(gold, shape), found)
        spurious = random.poisson(0.35 * (1 - found) + 0.05)
        denominator: Array = (right + spurious + gold).astype(np.float64)
        return (2.0 * right).astype(np.float64), denominator

    def families(self, random: np.random.Generator, times: int) -> Iterator[Family]:
        """Families, in blocks, so many in all."""
        block = max(10, WEIGHTS // (len(self.levels) * self.seeds * self.examples))
        for start in range(0, times, block):
            yield family(*self.outcomes(random, min(block, times - start)))

    def worse(self, by: float) -> Truth:
        """The same with the last method's accuracy lower by so much."""
        normal = NormalDist()
        last = normal.inv_cdf(normal.cdf(self.levels[-1]) - by)
        return replace(self, levels=(*self.levels[:-1], last))


def family(numerator: Array, denominator: Array) -> Family:
    """Families of scores that are a ratio of sums, by the delta method in place of resampling."""
    seeds, examples = numerator.shape[-2:]
    values = numerator.sum(axis=-1) / denominator.sum(axis=-1)
    moved = (numerator - values[..., None] * denominator) / denominator.mean(axis=-1, keepdims=True)
    mean = moved.mean(axis=-2)
    covariance = np.einsum("akn,aln->akl", mean, mean) / (examples - 1) / examples
    single = moved.var(axis=-1, ddof=1).mean(axis=-1) / examples
    several = max(1, seeds - 1)
    chance = np.maximum(0.0, single - np.diagonal(covariance, axis1=1, axis2=2)) / several * (seeds > 1)
    between = values.var(axis=-1, ddof=1) / seeds if seeds > 1 else np.zeros(values.shape[:2])
    return Family(values.mean(axis=-1), covariance, chance, between, (seeds,) * values.shape[1], examples)


def p_values(found: Family, seed: int = 0) -> Array:
    """The step-down p-values of many families: (families, pairs)."""
    variance = seed_variance(found)
    observed = statistics(found.differences, standard_errors(found, variance))
    return adjusted(observed, draw(found, variance, draws=DRAWS, seed=seed).t)


def false_alarms(truth: Truth, times: int, *, level: float = 0.05, seed: int = 0) -> float:
    """In what part of many families of equally good methods any pair is shown to differ."""
    random = np.random.default_rng(seed)
    blocks = [(p_values(each, number) < level).any(axis=1) for number, each in enumerate(truth.families(random, times))]
    return float(np.concatenate(blocks).mean())


def power(truth: Truth, times: int, *, level: float = 0.05, seed: int = 0) -> float:
    """In what part of many families the last method is shown to be worse than the one with the best mean."""
    random = np.random.default_rng(seed)
    blocks = []
    for number, each in enumerate(truth.families(random, times)):
        first, second = each.pairs
        with_best = (first == each.means.argmax(axis=1)[:, None]) & (second == len(truth.levels) - 1)
        blocks.append(((p_values(each, number) < level) & with_best).any(axis=1))
    return float(np.concatenate(blocks).mean())


def told(truth: Truth, times: int, *, level: float = 0.05, seed: int = 0) -> Array:
    """The difference between the first and the last method that each of many families is told it could have shown."""
    random = np.random.default_rng(seed)
    found = []
    for each in truth.families(random, times):
        for place in range(len(each.means)):
            one = Family(
                each.means[place],
                each.covariance[place],
                each.chance[place],
                each.between[place],
                each.seeds,
                each.examples,
            )
            variance = seed_variance(one)
            draws = draw(one, variance, draws=2000, seed=place)
            observed = statistics(one.differences, standard_errors(one, variance))
            last = len(truth.levels) - 2  # the pair of the first method and the last
            found.append(detectable(draws, critical_values(observed, draws.t, level))[last])
    return np.asarray(found)


def shown(truth: Truth, times: int, *, level: float = 0.05, seed: int = 0) -> float:
    """In what part of many families the first method is shown to differ from the last."""
    random = np.random.default_rng(seed)
    last = len(truth.levels) - 2
    blocks = [p_values(each, number)[:, last] < level for number, each in enumerate(truth.families(random, times))]
    return float(np.concatenate(blocks).mean())


def told_difference(truth: Truth, times: int) -> float:
    """The difference that is told to be found in 80 % of cases, by the median family, where it is the true one."""
    by = 0.05
    for turn in range(4):
        by = float(np.median(told(truth.worse(by), times, seed=turn)))
    return by
