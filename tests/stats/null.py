"""Simulated runs of two equally good methods: how often a test says that they differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from pefbench.stats import resampling
from pefbench.stats.bootstrap import draws
from pefbench.stats.paired import difference
from pefbench.stats.resampling import Scores, resample

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Null:
    """How outcomes come about: an example is right where a sum of normal draws is above 0, these being their spreads.

    example: how hard it is for both methods. taste: for one method. seed: how good a run is; `other_seed`: of the
    second method's runs, where those vary otherwise. chance: of one run on one example. With `f1` an outcome counts
    entities instead: each example has one to three, each found or not.
    """

    seeds: int = 3
    examples: int = 250
    example: float = 1.2
    taste: float = 0.5
    seed: float = 0.1
    other_seed: float | None = None
    chance: float = 0.7
    f1: bool = False

    def draw(self, random: np.random.Generator) -> tuple[Scores, Scores]:
        """Return the scores of two methods with the same truth, on the same examples."""
        hard = 1.0 + random.normal(0, self.example, self.examples)
        gold = random.integers(1, 4, self.examples)
        spreads = self.seed, self.seed if self.other_seed is None else self.other_seed
        runs = [run for spread in spreads for run in self._runs(hard, gold, spread, random)]
        with mock.patch.object(resampling, "draws", _drawn):
            both = resample(runs, self.examples, resamples=300)
        halves = slice(self.seeds), slice(self.seeds, None)
        first, second = (Scores(both.values[half], both.resampled[half], self.examples) for half in halves)
        return first, second

    def _runs(
        self, hard: Array, gold: npt.NDArray[np.int64], spread: float, random: np.random.Generator
    ) -> list[Callable[[Array], Array]]:
        at = hard + random.normal(0, self.taste, self.examples)
        levels = [
            at + random.normal(0, spread) + random.normal(0, self.chance, self.examples) for _ in range(self.seeds)
        ]
        return [f1(level, gold, random) if self.f1 else accuracy(level) for level in levels]


@cache
def _drawn(*given: Any) -> list[Array]:
    """The resamples, drawn once: they are the same in every simulation, and take longer than all else in it."""
    return [weights.copy() for weights in draws(*given)]


def accuracy(level: Array) -> Callable[[Array], Array]:
    right = (level > 0).astype(np.float64)
    return lambda weights: weights @ right / weights.sum(axis=1)


def f1(level: Array, gold: npt.NDArray[np.int64], random: np.random.Generator) -> Callable[[Array], Array]:
    right = random.binomial(gold, 1 / (1 + np.exp(-level)))
    predicted = right + random.binomial(2, 0.2, len(gold))
    return lambda weights: 2 * (weights @ right) / (weights @ (predicted + gold))


def false_alarms(null: Null, simulations: int, *, seed: int = 0) -> float:
    """Return the fraction of simulated comparisons whose p is below 0.05."""
    random = np.random.default_rng(seed)
    return float(np.mean([difference(*null.draw(random)).p < 0.05 for _ in range(simulations)]))
