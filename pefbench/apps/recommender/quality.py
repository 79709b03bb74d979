"""How good an order of all items is: HR@10, NDCG@10, MRR, how much of the catalogue is shown, how popular it is.

One item is right for each target, and all items that its user has not taken compete (Krichene and Rendle 2020: samples
of them give other numbers). Intervals are over users: a user's targets depend on each other.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from pefbench.stats.interval import of_score
from pefbench.stats.jackknife import jackknife

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PLACES = 10
METRICS = ("hit_rate_at_10", "ndcg_at_10", "mrr")


class Value(TypedDict):
    """A value with its 95 % interval; None where too few users say."""

    value: float
    low: float | None
    high: float | None


class Measured(TypedDict):
    """What one ranking gives.

    coverage: the share of all items that any list shows. popularity: the mean number of people who took what lists show
    (Yin et al. 2012).
    """

    metrics: dict[str, Value]
    coverage: float
    popularity: float


def values(ranks: NDArray[np.int64]) -> Floats:
    """METRICS of each target by the rank of what was taken, from 0: (m, 3)."""
    places = ranks.astype(np.float64)
    hits = (places < PLACES).astype(np.float64)
    return np.stack([hits, hits / np.log2(places + 2), 1 / (places + 1)], axis=1)


def measure(
    ranks: NDArray[np.int64], shown: Sequence[NDArray[np.int64]], users: Sequence[str], people: Floats
) -> Measured:
    """One ranking. ranks: (m,); shown: each target's first ten; users: whose target it is; people: of each item."""
    listed = np.concatenate(shown)
    return {
        "metrics": intervals(values(ranks), users, (0.0, 1.0)),
        "coverage": len(np.unique(listed)) / len(people),
        "popularity": float(people[listed].mean()),
    }


def intervals(found: Floats, users: Sequence[str], ends: tuple[float, float] = (-inf, inf)) -> dict[str, Value]:
    """The means of METRICS, or of differences in them, with intervals over users. ends: those of their range."""

    def means(weights: Floats) -> Mapping[str, Floats]:
        sums = weights @ found / weights.sum(1, keepdims=True)
        return {name: sums[:, i] for i, name in enumerate(METRICS)}

    spreads = jackknife(means, users) if len({*users}) > 1 else {}
    told: dict[str, Value] = {}
    for name, value in zip(METRICS, found.mean(0).tolist(), strict=True):
        interval = of_score(value, spreads.get(name), ends)
        told[name] = {"value": value, "low": interval.low, "high": interval.high}
    return told
