"""Spearman's rank correlation of predicted and true numbers, as in semantic similarity: only their order counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.stats import spearmanr

from pefbench.metrics._base import Metric, ratio
from pefbench.metrics._numbers import NUMBER, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Spearman(Metric):
    """Spearman's rho, from -1 to 1; 0 if undefined: all predictions or all references are the same.

    Equal numbers share the mean of their ranks. Predictions and references: one finite number per example, equally
    many; ValueError otherwise.
    """

    headline = "spearman"
    higher_is_better: ClassVar = {"spearman": True}
    library = "scipy"
    settings = "ties:mean-rank|constant:0"
    prediction = NUMBER
    reference = NUMBER

    def _compute(self, *, predictions: Sequence[float], references: Sequence[float]) -> dict[str, float]:
        predicted, gold = numbers(predictions, references)
        if min(len(np.unique(predicted)), len(np.unique(gold))) < 2:
            return {"spearman": 0.0}
        return {"spearman": float(spearmanr(predicted, gold).statistic)}

    def weighted(
        self, predictions: Sequence[float], references: Sequence[float]
    ) -> Callable[[Array], dict[str, Array]]:
        """Rho from ranks among the weighted examples: every resample is ranked separately."""
        predicted, gold = (_ranks(values) for values in numbers(predictions, references))

        def rho(weights: Array) -> dict[str, Array]:
            x, y = predicted(weights), gold(weights)
            spread = (weights * x * x).sum(axis=-1) * (weights * y * y).sum(axis=-1)
            return {"spearman": np.clip(ratio((weights * x * y).sum(axis=-1), np.sqrt(spread)), -1, 1)}

        return rho


def _ranks(values: Array) -> Callable[[Array], Array]:
    """A function of weights (resamples, examples): each example's rank minus the mean rank, of the same shape."""
    _, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    firsts = np.flatnonzero(np.diff(place[order], prepend=-1))

    def ranks(weights: Array) -> Array:
        tied = np.add.reduceat(weights[:, order], firsts, axis=1)
        middle = np.cumsum(tied, axis=1) - tied / 2
        centred: Array = (middle - tied.sum(axis=1, keepdims=True) / 2)[:, place]
        return centred

    return ranks


METRIC = Spearman
