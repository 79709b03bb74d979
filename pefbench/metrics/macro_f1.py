"""Macro F1: the mean of the classes' F1, each class counting the same whatever its size.

The mean runs over the classes in the references. A class that is only predicted has no row: its examples count as
missed in the classes that they belong to. See `_classes` for how the interval keeps to these classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

from pefbench.metrics._base import TEXT
from pefbench.metrics._classes import FIXED, ClassMetric, by_class, codes, mean, tallies
from pefbench.results.classification_report import as_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import Report

    Array = npt.NDArray[np.float64]


class MacroF1(ClassMetric):
    """The unweighted mean of F1 over classes, and the report with one row per class.

    Predictions and references: one label per example, equally many; ValueError otherwise. Precision, recall or F1 of a
    class is 0 where its denominator is 0.
    """

    headline = "macro_f1"
    higher_is_better: ClassVar = {"macro_f1": True}
    library = "scikit-learn"
    settings = f"average:macro|{FIXED}|zero_division:0"
    prediction = TEXT
    reference = TEXT

    def _compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        _, predicted, gold = codes(predictions, references)
        labels = np.unique(gold)
        return {"macro_f1": float(f1_score(gold, predicted, labels=labels, average="macro", zero_division=0))}

    def counts(self, predictions: Sequence[Any], references: Sequence[Any]) -> Array:
        """Right, predicted and gold examples by class of each example: (examples, 3 * classes)."""
        return tallies(*codes(predictions, references))

    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """The macro F1 from counts of shape (..., 3 * classes)."""
        return {"macro_f1": mean(by_class(sums, whole)[2])}

    def report(self, predictions: Sequence[Any], references: Sequence[Any]) -> Report:
        """A row per class that is predicted or gold, sorted by name; "micro avg" is the accuracy.

        The other averages are over the classes that the references have.
        """
        labels, predicted, gold = codes(predictions, references)
        table = zip(*precision_recall_fscore_support(gold, predicted, zero_division=0), strict=True)
        averages = {}
        for average, among in (("micro", None), ("macro", np.unique(gold)), ("weighted", None)):
            precision, recall, f1, _ = precision_recall_fscore_support(
                gold, predicted, labels=among, average=average, zero_division=0
            )
            averages[f"{average} avg"] = as_row(precision, recall, f1, len(gold))
        return {
            "classes": {str(label): as_row(*row) for label, row in zip(labels, table, strict=True)},
            "averages": averages,
        }


METRIC = MacroF1
