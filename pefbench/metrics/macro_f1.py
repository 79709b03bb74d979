"""Macro F1: the mean of the classes' F1, each class counting the same whatever its size.

The mean runs over the classes that references or predictions have, as in scikit-learn: a class that is predicted and
never right counts with 0, one that occurs nowhere does not count. A resample of the interval has its own classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

from pefbench.metrics._base import TEXT, AdditiveMetric, ratio
from pefbench.results.classification_report import as_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import Report

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


class MacroF1(AdditiveMetric):
    """The unweighted mean of F1 over classes, and the report with a row a class.

    Predictions and references: one label an example, equally many; ValueError otherwise. Precision, recall or F1 of a
    class is 0 where its denominator is 0.
    """

    headline = "macro_f1"
    higher_is_better: ClassVar = {"macro_f1": True}
    library = "scikit-learn"
    settings = "average:macro|labels:seen|zero_division:0"
    prediction = TEXT
    reference = TEXT

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        _, predicted, gold = _codes(predictions, references)
        return {"macro_f1": float(f1_score(gold, predicted, average="macro", zero_division=0))}

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """Return right, predicted and gold examples by class of each example: (examples, 3 * classes)."""
        labels, predicted, gold = _codes(predictions, references)
        one_hot = np.eye(len(labels))
        return np.concatenate([one_hot[gold] * one_hot[predicted], one_hot[predicted], one_hot[gold]], axis=1)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """Return the macro F1 from counts of shape (..., 3 * classes)."""
        right, predicted, gold = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
        seen = (predicted + gold > 0).sum(axis=-1)
        return {"macro_f1": ratio(ratio(2 * right, predicted + gold).sum(axis=-1), seen)}

    def report(self, predictions: Sequence[str], references: Sequence[str]) -> Report:
        """Return a row per class that is predicted or gold, sorted by name; "micro avg" is the accuracy."""
        labels, predicted, gold = _codes(predictions, references)
        table = zip(*precision_recall_fscore_support(gold, predicted, zero_division=0), strict=True)
        averages = {}
        for average in ("micro", "macro", "weighted"):
            precision, recall, f1, _ = precision_recall_fscore_support(
                gold, predicted, average=average, zero_division=0
            )
            averages[f"{average} avg"] = as_row(precision, recall, f1, len(gold))
        return {
            "classes": {label: as_row(*row) for label, row in zip(labels, table, strict=True)},
            "averages": averages,
        }


def _codes(predictions: Sequence[str], references: Sequence[str]) -> tuple[list[str], Codes, Codes]:
    """Return the classes, sorted, and predictions and references as positions in them. Raises ValueError."""
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
    labels = sorted({*predictions, *references})
    code = {label: position for position, label in enumerate(labels)}
    predicted, gold = ([code[label] for label in given] for given in (predictions, references))
    return labels, np.asarray(predicted, dtype=np.int64), np.asarray(gold, dtype=np.int64)


METRIC = MacroF1
