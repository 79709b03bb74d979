"""Intents with an out-of-scope class: accuracy on in-scope texts, recall of out-of-scope ones.

Larson et al. 2019, "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction" (CLINC150,
arXiv:1909.02027), section 3. In-scope examples that are predicted as out of scope are wrong; the two values trade off
against each other, so neither says much alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score

from pefbench.metrics._base import TEXT, AdditiveMetric, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class OutOfScope(AdditiveMetric):
    """Accuracy over in-scope examples, and recall of the out-of-scope class.

    Predictions and references: one label per example, equally many; ValueError otherwise. A value is 0 where no example
    is of its kind.
    """

    headline = "in_scope_accuracy"
    higher_is_better: ClassVar = {"in_scope_accuracy": True, "out_of_scope_recall": True}
    library = "scikit-learn"
    prediction = TEXT
    reference = TEXT
    label: ClassVar[str] = "oos"
    """The class of examples that have none of the intents."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.settings = f"match:exact|out-of-scope:{self.label}"

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        predicted, gold = np.asarray(list(predictions), dtype=object), np.asarray(list(references), dtype=object)
        outside = gold == self.label
        parts = ((gold[kind], predicted[kind]) for kind in (~outside, outside))
        # The accuracy over a class's own examples is its recall.
        values = (float(accuracy_score(*part)) if len(part[0]) else 0.0 for part in parts)
        return dict(zip(self.higher_is_better, values, strict=True))

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """Whether an example is right, and 1, in the columns of its kind: (examples, 4), in scope first."""
        rows = [
            (0, 0, predicted == gold, 1) if gold == self.label else (predicted == gold, 1, 0, 0)
            for predicted, gold in zip(predictions, references, strict=True)
        ]
        return np.asarray(rows, dtype=np.float64).reshape(-1, 4)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The values from right and all examples in scope, then out of scope, (..., 4)."""
        return {
            "in_scope_accuracy": ratio(sums[..., 0], sums[..., 1]),
            "out_of_scope_recall": ratio(sums[..., 2], sums[..., 3]),
        }


METRIC = OutOfScope
