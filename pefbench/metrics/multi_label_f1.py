"""F1 of sets of labels, averaged in three ways: over labels (macro), over decisions (micro), over examples (samples).

Macro: the mean of the labels' F1, over the labels in the references; a label that is only predicted has no row (see
`_classes` for how the interval keeps to these labels). Micro: F1 over all pairs of an example and a label. Samples: the
mean of the examples' F1. An F1 whose denominator is 0 is 0, as in scikit-learn with `zero_division=0`; so an example
without labels counts 0 in the mean over examples, even if rightly none is predicted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

from pefbench.metrics._base import ratio
from pefbench.metrics._classes import FIXED, ClassMetric, by_class, mean, parts
from pefbench.metrics._label_sets import LabelSetMetric, flags, tallies
from pefbench.results.classification_report import as_row

if TYPE_CHECKING:
    import numpy.typing as npt

    from pefbench.metrics._label_sets import Flags, Sets
    from pefbench.results.classification_report import Report

    Array = npt.NDArray[np.float64]


class MultiLabelF1(LabelSetMetric, ClassMetric):
    """Macro, micro and samples F1 of sets of labels, and the report with one row per label.

    Predictions and references: one list of labels per example, equally many; ValueError otherwise.
    """

    headline = "multi_label_macro_f1"
    higher_is_better: ClassVar = {
        "multi_label_macro_f1": True,
        "multi_label_micro_f1": True,
        "multi_label_samples_f1": True,
    }
    library = "scikit-learn"
    settings = f"macro-{FIXED}|zero_division:0"

    def _compute(self, *, predictions: Sets, references: Sets) -> dict[str, float]:
        _, predicted, gold = _padded(*flags(predictions, references))
        there = np.flatnonzero(gold.any(axis=0))
        return {
            "multi_label_macro_f1": float(f1_score(gold, predicted, labels=there, average="macro", zero_division=0))
            if len(there)
            else 0.0,
            "multi_label_micro_f1": float(f1_score(gold, predicted, average="micro", zero_division=0)),
            "multi_label_samples_f1": float(f1_score(gold, predicted, average="samples", zero_division=0)),
        }

    def counts(self, predictions: Sets, references: Sets) -> Array:
        """Right, predicted and gold labels of each example, its own F1, and one: (examples, 3 * labels + 2)."""
        _, predicted, gold = flags(predictions, references)
        right = (predicted * gold).sum(axis=1).astype(np.float64)
        given = (predicted + gold).sum(axis=1).astype(np.float64)
        own = np.stack([ratio(2 * right, given), np.ones(len(gold))], axis=1)
        return np.concatenate([tallies(predicted, gold), own], axis=1)

    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """The three values from counts of shape (..., 3 * labels + 2)."""
        by_label, samples, examples = sums[..., :-2], sums[..., -2], sums[..., -1]
        right, predicted, gold = (part.sum(axis=-1) for part in parts(by_label))
        return {
            "multi_label_macro_f1": mean(by_class(by_label, whole[:-2])[2]),
            "multi_label_micro_f1": ratio(2 * right, predicted + gold),
            "multi_label_samples_f1": ratio(samples, examples),
        }

    def report(self, predictions: Sets, references: Sets) -> Report:
        """A row per label that is predicted or right, sorted by name; support is the number of right labels.

        The macro and weighted averages are over the labels in the references.
        """
        labels, predicted, gold = flags(predictions, references)
        _, wide_predicted, wide_gold = _padded(labels, predicted, gold)
        there = np.flatnonzero(gold.any(axis=0))
        averages = {}
        for average in ("micro", "macro", "weighted", "samples"):
            among = there if average in {"macro", "weighted"} else None
            values = (0.0, 0.0, 0.0)
            if len(there) or among is None:
                values = precision_recall_fscore_support(
                    wide_gold, wide_predicted, labels=among, average=average, zero_division=0
                )[:3]
            averages[f"{average} avg"] = as_row(*values, int(gold.sum()))
        table = precision_recall_fscore_support(wide_gold, wide_predicted, average=None, zero_division=0)
        rows = zip(*(column[: len(labels)] for column in table), strict=True)
        return {"classes": {label: as_row(*row) for label, row in zip(labels, rows, strict=True)}, "averages": averages}


def _padded(labels: list[str], predicted: Flags, gold: Flags) -> tuple[list[str], Flags, Flags]:
    """Flags with two empty columns added: scikit-learn reads a single column as a binary task."""
    wide = [np.pad(each, ((0, 0), (0, 2))) for each in (predicted, gold)]
    return labels, wide[0], wide[1]


METRIC = MultiLabelF1
