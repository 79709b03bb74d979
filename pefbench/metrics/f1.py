"""F1 of one class, as of "spam" among "spam" and "ham", or an average over classes: {name: f1, positive: spam}."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.metrics import precision_recall_fscore_support

from pefbench.metrics._base import TEXT, ratio
from pefbench.metrics._classes import FIXED, ClassMetric, by_class, codes, mean, parts, tallies
from pefbench.sections import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class F1Options(Section):
    """The options that a recipe sets: exactly one of the two."""

    positive: str | None = Field(None, description="the class whose F1 is computed, as text: a number goes in quotes")
    average: Literal["macro", "micro", "weighted"] | None = Field(
        None,
        description="how classes are averaged: macro, all equally; weighted, by their number of references; micro, "
        "which is accuracy",
    )


class F1(ClassMetric):
    """Precision, recall and F1, from 0 to 1, of the positive class or averaged over classes.

    Predictions and references: one label per example, equally many; ValueError otherwise. A value is 0 where its
    denominator is 0.
    """

    headline = "f1"
    higher_is_better: ClassVar = {"precision": True, "recall": True, "f1": True}
    library = "scikit-learn"
    prediction = TEXT
    reference = TEXT
    options_type = F1Options
    options: F1Options

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        positive, average = self.options.positive, self.options.average
        fixed = f"|{FIXED}" if average == "macro" else ""
        self.settings = f"positive:{positive}" if positive is not None else f"average:{average}{fixed}"
        self.settings += "|zero_division:0"

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why references cannot be scored: no class or average is named, or no reference has the positive class."""
        if wrong := super().refusal(references):
            return wrong
        positive = self.options.positive
        if (positive is None) == (self.options.average is None):
            return "it needs one of two options: {name: f1, positive: CLASS} or {name: f1, average: macro}"
        if positive is not None and positive not in references:
            seen = ", ".join(sorted({*references})[:10])
            return f"no reference has its positive class {positive!r}; they have {seen}"
        return None

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        labels, predicted, gold = codes(predictions, references)
        if self.options.positive is None:
            among, average = np.unique(gold), str(self.options.average)
        elif self.options.positive in labels:
            among, average = np.asarray([labels.index(self.options.positive)]), "macro"
        else:
            return dict.fromkeys(self.higher_is_better, 0.0)
        if average == "micro":
            among = np.arange(len(labels))  # predictions of a class that no reference has still count as wrong
        values = precision_recall_fscore_support(gold, predicted, labels=among, average=average, zero_division=0)
        return dict(zip(self.higher_is_better, map(float, values[:3]), strict=True))

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """Right, predicted and gold examples by class, for each example; only of the positive class if there is one."""
        if self.options.positive is None:
            return tallies(*codes(predictions, references))
        is_positive = np.asarray([self.options.positive], dtype=object)
        predicted, gold = (
            (np.asarray(list(given), dtype=object)[:, None] == is_positive).astype(np.float64)
            for given in (predictions, references)
        )
        if len(predicted) != len(gold):
            raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
        return np.concatenate([predicted * gold, predicted, gold], axis=1)

    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """Precision, recall and F1 from counts of shape (..., 3 * classes)."""
        right, predicted, gold = parts(sums)
        if self.options.positive is None and self.options.average != "micro":
            values = by_class(sums, whole)
            if self.options.average == "macro":
                averaged = [mean(value) for value in values]
            else:
                share = gold[..., parts(whole)[2] > 0]
                averaged = [ratio((value * share).sum(axis=-1), share.sum(axis=-1)) for value in values]
            return dict(zip(self.higher_is_better, averaged, strict=True))
        right, predicted, gold = (part.sum(axis=-1) for part in (right, predicted, gold))
        found = (ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold))
        return dict(zip(self.higher_is_better, found, strict=True))


METRIC = F1
