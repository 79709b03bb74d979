"""Matthews correlation: the correlation of predicted with true classes, as GLUE reports for CoLA.

Matthews 1975; for more than two classes Gorodkin's R_K (2004, "Comparing two K-category assignments by a K-category
correlation coefficient"). Guessing gets 0, whatever the class sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import matthews_corrcoef

from pefbench.metrics._base import TEXT, AdditiveMetric
from pefbench.metrics._classes import codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Matthews(AdditiveMetric):
    """Matthews correlation, from -1 to 1; 0 where all predictions, or all references, are of one class.

    Predictions and references: one label per example, equally many; ValueError otherwise.
    """

    headline = "matthews"
    higher_is_better: ClassVar = {"matthews": True}
    library = "scikit-learn"
    settings = "one-class:0"
    prediction = TEXT
    reference = TEXT

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        labels, predicted, gold = codes(predictions, references)
        # scikit-learn warns about a single class.
        return {"matthews": float(matthews_corrcoef(gold, predicted)) if len(labels) > 1 else 0.0}

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """For each example 1, whether it is right, and its classes one-hot: (examples, 2 + 2 * classes)."""
        labels, predicted, gold = codes(predictions, references)
        one_hot = np.eye(len(labels))
        own = np.stack([np.ones(len(gold)), predicted == gold], axis=1)
        return np.concatenate([own, one_hot[predicted], one_hot[gold]], axis=1)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The correlation from sums (..., 2 + 2 * classes), which are exact because they are whole numbers."""
        examples, right = sums[..., 0], sums[..., 1]
        classes = sums.reshape(*sums.shape[:-1], -1)[..., 2:].reshape(*sums.shape[:-1], 2, -1)
        predicted, gold = classes[..., 0, :], classes[..., 1, :]
        covariance = right * examples - (predicted * gold).sum(axis=-1)
        spread = (examples**2 - (predicted**2).sum(axis=-1)) * (examples**2 - (gold**2).sum(axis=-1))
        return {"matthews": np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1)), 0)}


METRIC = Matthews
