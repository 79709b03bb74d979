"""Subset accuracy: the fraction of examples whose labels are exactly right, none missing and none extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._label_sets import LabelSetMetric, flags

if TYPE_CHECKING:
    import numpy.typing as npt

    from pefbench.metrics._label_sets import Sets

    Array = npt.NDArray[np.float64]


class SubsetAccuracy(LabelSetMetric, AdditiveMetric):
    """The fraction of examples whose set of labels is exactly the reference; two empty sets are the same.

    Predictions and references: one list of labels per example, equally many; ValueError otherwise.
    """

    headline = "subset_accuracy"
    higher_is_better: ClassVar = {"subset_accuracy": True}
    averaged = frozenset({"subset_accuracy"})
    library = "scikit-learn"
    settings = "match:set"

    def _compute(self, *, predictions: Sets, references: Sets) -> dict[str, float]:
        _, predicted, gold = flags(predictions, references)
        # Add empty columns: scikit-learn reads a single column as a binary task, and none is an error.
        predicted, gold = (np.pad(each, ((0, 0), (0, 2))) for each in (predicted, gold))
        return {"subset_accuracy": float(accuracy_score(gold, predicted))}

    def counts(self, predictions: Sets, references: Sets) -> Array:
        """For each example whether its labels are right, and one: (examples, 2)."""
        both = zip(predictions, references, strict=True)
        rows = [(set(predicted) == set(gold), 1) for predicted, gold in both]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The accuracy from right and all examples, (..., 2)."""
        return {"subset_accuracy": ratio(sums[..., 0], sums[..., 1])}


METRIC = SubsetAccuracy
