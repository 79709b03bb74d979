"""The jackknife over clusters: the spread of a value over the examples that it is computed on.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 11: each cluster is left out in turn and the
whole metric is recomputed, because a corpus metric such as entity F1 is not a mean over examples. A cluster is one
example, or all examples that depend on each other, such as the questions on one context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pefbench.stats.bootstrap import CHUNK_WEIGHTS, codes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

MOST = 2000
"""Clusters that are left out one by one; if there are more, several are left out together."""


@dataclass(frozen=True)
class Spread:
    """The spread of a value.

    standard_error: of the value. deciding: the effective number of clusters that its variance comes from, that is, the
    number of clusters that would give it if each moved the value equally far: (sum of squares)^2 / sum of fourth
    powers. clusters: how many were left out in turn. alike: the effective number of independent examples if those of a
    cluster were copies of each other (Kish, "Survey Sampling", 1965): (sum of sizes)^2 / sum of squared sizes.
    """

    standard_error: float
    deciding: float
    clusters: int
    alike: float

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance, from 1 to clusters - 1.

        By Satterthwaite's rule they are 2 m n / (n - m), with m deciding clusters of n. The fourth powers of a few
        clusters overstate the uncertainty of a variance; with twice that number the intervals have their nominal
        coverage, see `benchmarks/interval_coverage.py`.
        """
        most = max(1.0, self.clusters - 1.0)
        if self.deciding >= self.clusters:
            return most
        return min(most, max(1.0, 4 * self.deciding * self.clusters / (self.clusters - self.deciding)))


def jackknife(statistic: Callable[[Array], Mapping[str, Array]], clusters: Sequence[object]) -> dict[str, Spread]:
    """The spread of each value that `statistic` computes. clusters: the name of each example's cluster.

    `statistic` takes weights of shape (times, examples) and returns values of shape (times,) by name. The result is
    deterministic. Raises ValueError if there are fewer than two clusters.
    """
    codes = codes_of(clusters)
    sizes = np.bincount(codes).astype(np.float64)
    if len(sizes) < 2:
        raise ValueError("an example alone, or a single cluster, does not say how far a value moves")
    blocks = [statistic(weights) for weights in _without(codes % MOST)]
    return {name: _spread(np.concatenate([block[name] for block in blocks]), sizes) for name in blocks[0]}


def independent(clusters: Sequence[object]) -> bool:
    """Whether each example is a cluster of its own."""
    return len({*clusters}) == len(clusters)


def _without(codes: Codes) -> Iterator[Array]:
    """Blocks of weights, (block, examples), each row of which leaves out one cluster."""
    clusters = int(codes.max()) + 1
    block = max(1, CHUNK_WEIGHTS // len(codes))
    for start in range(0, clusters, block):
        left_out = np.arange(start, min(clusters, start + block))
        yield (codes[None, :] != left_out[:, None]).astype(np.float64)


def _spread(values: Array, sizes: Array) -> Spread:
    squared = (values - values.mean()) ** 2
    # Rounding moves even a value that no cluster affects in its last digits.
    total = float(squared.sum()) if np.ptp(values) > 1e-12 * max(1.0, float(np.abs(values).max())) else 0.0
    return Spread(
        standard_error=float(np.sqrt(total * (len(values) - 1) / len(values))),
        deciding=total**2 / float((squared**2).sum()) if total else 0.0,
        clusters=len(values),
        alike=float(sizes.sum() ** 2 / (sizes**2).sum()),
    )
