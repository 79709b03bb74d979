"""Accuracy of choices: the fraction of examples whose chosen candidate is the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._ranks import CHOICE, PLACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.metrics._ranks import Choice

    Array = npt.NDArray[np.float64]


class ChoiceAccuracy(AdditiveMetric):
    """The fraction of examples whose chosen candidate is the right one.

    Predictions: which candidate is chosen (of equal scores, whichever the head chose); references: which one is right.
    Equally many, ValueError otherwise.
    """

    headline = "accuracy"
    higher_is_better: ClassVar = {"accuracy": True}
    averaged = frozenset({"accuracy"})
    library = "scikit-learn"
    settings = "match:choice"
    prediction = CHOICE
    reference = PLACE

    def _compute(self, *, predictions: Sequence[Choice], references: Sequence[int]) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(list(references), [each["choice"] for each in predictions]))}

    def counts(self, predictions: Sequence[Choice], references: Sequence[int]) -> Array:
        """For each example, whether the choice is right, and 1: (examples, 2)."""
        both = zip(predictions, references, strict=True)
        return np.array([(each["choice"] == right, 1) for each, right in both], dtype=np.float64).reshape(-1, 2)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The accuracy from right and all examples, (..., 2)."""
        return {"accuracy": ratio(sums[..., 0], sums[..., 1])}


METRIC = ChoiceAccuracy
