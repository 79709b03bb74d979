"""The quality of a ranking of all items: HR@10, NDCG@10, MRR, catalogue coverage and popularity.

One item is right for each target, and all items that the user has not taken compete (Krichene and Rendle 2020: sampled
candidates give other numbers). Intervals are over users, because a user's targets are dependent.
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
    """A value with its 95 % interval; None if there are too few users."""

    value: float
    low: float | None
    high: float | None


class Measured(TypedDict):
    """The quality of one ranking.

    coverage: the share of all items that any list shows. popularity: the mean number of people who took the shown items
    (Yin et al. 2012).
    """

    metrics: dict[str, Value]
    coverage: float
    popularity: float


def values(ranks: NDArray[np.int64]) -> Floats:
    """The METRICS of each target, from the rank of the item taken, from 0: (m, 3)."""
    places = ranks.astype(np.float64)
    hits = (places < PLACES).astype(np.float64)
    return np.stack([hits, hits / np.log2(places + 2), 1 / (places + 1)], axis=1)


def measure(
    ranks: NDArray[np.int64], shown: Sequence[NDArray[np.int64]], users: Sequence[str], people: Floats
) -> Measured:
    """Measure a ranking. ranks: (m,); shown: each target's first ten items; users: of each target; people: per item."""
    listed = np.concatenate(shown)
    return {
        "metrics": intervals(values(ranks), users, (0.0, 1.0)),
        "coverage": len(np.unique(listed)) / len(people),
        "popularity": float(people[listed].mean()),
    }


def intervals(found: Floats, users: Sequence[str], ends: tuple[float, float] = (-inf, inf)) -> dict[str, Value]:
    """The means of METRICS, or of their differences, with intervals over users. ends: the limits of their range."""

    def means(weights: Floats) -> Mapping[str, Floats]:
        sums = weights @ found / weights.sum(1, keepdims=True)
        return {name: sums[:, i] for i, name in enumerate(METRICS)}

    spreads = jackknife(means, users) if len({*users}) > 1 else {}
    told: dict[str, Value] = {}
    for name, value in zip(METRICS, found.mean(0).tolist(), strict=True):
        interval = of_score(value, spreads.get(name), ends)
        told[name] = {"value": value, "low": interval.low, "high": interval.high}
    return told
