"""The scores of one method's runs, and the same scores on resamples of the test examples.

All compared runs use the same resamples, which makes the comparison paired. A corpus metric such as entity F1 is
recomputed on each resample through its weighted function, which every metric here has.
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
    """The scores of one method: one run per seed.

    values: on the test examples, (seeds,). resampled: on resamples of them, (seeds, resamples). examples: the number of
    test examples, or of their clusters if they have any.
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
    """Score each run on the examples and on resamples, which depend only on `seed`, `examples` and `clusters`.

    A run is a function of weights, (resamples, examples) -> (resamples,). clusters: the name of each example's cluster;
    examples of a cluster are drawn together. None: examples are drawn one by one.
    Raises ValueError if there is no run or no example.
    """
    if not runs or examples < 1:
        raise ValueError(f"{len(runs)} runs on {examples} examples; at least one of each is needed")
    once = np.ones((1, examples))
    values = [float(run(once)[0]) for run in runs]
    blocks = [np.stack([run(weights) for run in runs]) for weights in draws(examples, resamples, seed, clusters)]
    return Scores(np.asarray(values), np.concatenate(blocks, axis=1), len({*clusters}) if clusters else examples)
