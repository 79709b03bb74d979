"""Pearson's correlation of predicted and true numbers, as in essay scoring and semantic similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.stats import pearsonr

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._numbers import NUMBER, numbers, products

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_ROUNDING = 1e-11  # smaller differences, relative to the mean, are rounding errors


class Pearson(AdditiveMetric):
    """Pearson's r, from -1 to 1; 0 if undefined: all predictions or all references are the same.

    Predictions and references: one finite number per example, equally many; ValueError otherwise.
    """

    headline = "pearson"
    higher_is_better: ClassVar = {"pearson": True}
    library = "scipy"
    settings = "constant:0"
    prediction = NUMBER
    reference = NUMBER

    def _compute(self, *, predictions: Sequence[float], references: Sequence[float]) -> dict[str, float]:
        predicted, gold = numbers(predictions, references)
        if not (_centred(predicted).any() and _centred(gold).any()):
            return {"pearson": 0.0}
        return {"pearson": float(pearsonr(predicted, gold).statistic)}

    def counts(self, predictions: Sequence[float], references: Sequence[float]) -> Array:
        """The products of centred and scaled numbers, whose correlation is the same: (examples, 6)."""
        return products(*(_centred(values) for values in numbers(predictions, references)))

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """Pearson's r from the sums of 1, x, y, xx, yy and xy, of shape (..., 6)."""
        n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
        spread = _spread(n, x, xx) * _spread(n, y, yy)
        return {"pearson": np.clip(ratio(n * xy - x * y, np.sqrt(spread)), -1, 1) * (spread > 0)}


def _centred(values: Array) -> Array:
    """Values centred and scaled to [-1, 1]; all 0 if they are equal except for rounding."""
    if not len(values):
        return values
    mean = values.mean()
    largest = np.abs(values - mean).max()
    return np.zeros_like(values) if largest <= _ROUNDING * abs(mean) else (values - mean) / largest


def _spread(n: Array, x: Array, xx: Array) -> Array:
    """n squared times the variance; 0 if it is only rounding, as when a resample consists of one number."""
    spread = n * xx - x * x
    return np.where(spread <= _ROUNDING * n * xx, 0.0, spread)


METRIC = Pearson
