"""The scores of one method's runs, and the same scores on resamples of the test examples.

All runs that are compared see the same resamples: that is what pairs them. A corpus metric such as entity F1 is
computed anew on each, through the weighted function that every metric here has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pefbench.stats.bootstrap import draws

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Weighted = Callable[[Array], Array]


@dataclass(frozen=True)
class Scores:
    """The scores of one method: a run for each seed.

    values: on the test examples, (seeds,). resampled: on resamples of them, (seeds, resamples).
    examples: how many there are, or clusters of them where they come in such.
    """

    values: Array
    resampled: Array
    examples: int

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return float(self.values.mean())


def resample(
    runs: Sequence[Weighted],
    examples: int,
    *,
    clusters: Sequence[object] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Scores:
    """Score each run on the examples and on resamples of them, which depend on `seed`, `examples`, `clusters` alone.

    A run is a function of weights, (resamples, examples) -> (resamples,). clusters: the name of each example's own, all
    of whose examples are drawn together; None: each is drawn by itself.
    Raises ValueError when there is no run or no example.
    """
    if not runs or examples < 1:
        raise ValueError(f"{len(runs)} runs on {examples} examples; at least one of each is needed")
    once = np.ones((1, examples))
    values = [float(run(once)[0]) for run in runs]
    blocks = [np.stack([run(weights) for run in runs]) for weights in draws(examples, resamples, seed, clusters)]
    return Scores(np.asarray(values), np.concatenate(blocks, axis=1), len({*clusters}) if clusters else examples)
