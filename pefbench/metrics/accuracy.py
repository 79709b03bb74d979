"""Accuracy: the fraction of examples whose label is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score

from pefbench.metrics._base import TEXT, AdditiveMetric, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Accuracy(AdditiveMetric):
    """The fraction of predicted labels that equal the reference, letter for letter.

    Predictions and references: one label per example, equally many; ValueError otherwise.
    """

    headline = "accuracy"
    higher_is_better: ClassVar = {"accuracy": True}
    averaged = frozenset({"accuracy"})
    library = "scikit-learn"
    settings = "match:exact"
    prediction = TEXT
    reference = TEXT

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(references, predictions))}

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """For each example whether it is right, and one: (examples, 2)."""
        both = zip(predictions, references, strict=True)
        return np.array([(predicted == gold, 1) for predicted, gold in both], dtype=np.float64).reshape(-1, 2)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The accuracy from right and all examples, (..., 2)."""
        return {"accuracy": ratio(sums[..., 0], sums[..., 1])}


METRIC = Accuracy
