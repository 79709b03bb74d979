"""The classic token-level NER report, O included: accuracy, macro and weighted F1, and micro F1 without O.

Most tokens are O, so the accuracy (which tutorials show as the micro average of F1) is high for any tagger. Compare
methods by entity_f1; use this to compare with reports made in that way.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from pefbench.metrics._base import TAGS, pairs, ratio
from pefbench.metrics._classes import ABSENT, FIXED, ClassMetric, by_class, mean, parts
from pefbench.results.classification_report import as_row
from pefbench.sections import Section
from pefbench.sources.tagging import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import ClassScores, Report

    Sentences = Sequence[Sequence[str]]
    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


class TokenReportOptions(Section):
    """The options that a recipe may set."""

    labels: list[str] | None = Field(
        None,
        min_length=1,
        description="all labels, over which the macro average is; null: those of the references",
    )


class TokenReport(ClassMetric):
    """Accuracy and F1 over tokens, from tags of any scheme.

    Predictions and references: one list of tags per sentence, both of the same length, with a token at least in all;
    ValueError otherwise. Precision, recall or F1 of a label that does not occur is 0.

    The macro average is over the labels of the references, or over the option's; see `_classes` for how the interval
    keeps to them. Raises ValueError for a tag that is not among given labels.
    """

    headline = "token_macro_f1"
    higher_is_better: ClassVar = {
        "token_accuracy": True,
        "token_macro_f1": True,
        "token_weighted_f1": True,
        "token_f1_without_O": True,
    }
    library = "scikit-learn"
    prediction = TAGS
    reference = TAGS

    options_type = TokenReportOptions
    options: TokenReportOptions

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        labels = self.options.labels
        self.settings = f"level:token|{FIXED}"
        if labels is not None:
            self.settings = f"level:token|labels:{','.join(labels)}|{ABSENT}"

    def _compute(self, *, predictions: Sentences, references: Sentences) -> dict[str, float]:
        labels, predicted, gold = self._flat(predictions, references)
        entity_labels = [code for code, label in enumerate(labels) if label != OUTSIDE]
        return {
            "token_accuracy": float(accuracy_score(gold, predicted)),
            "token_macro_f1": _row(gold, predicted, self._averaged(labels, gold), "macro")["f1-score"],
            "token_weighted_f1": _row(gold, predicted, range(len(labels)), "weighted")["f1-score"],
            "token_f1_without_O": _row(gold, predicted, entity_labels, "micro")["f1-score"] if entity_labels else 0.0,
        }

    def counts(self, predictions: Sentences, references: Sentences) -> Array:
        """Right, predicted and gold tokens of each sentence, first by label, then over all labels except O.

        Shape (sentences, 3 * labels + 3).
        """
        labels, predicted, gold = self._flat(predictions, references)
        sentence = np.repeat(np.arange(len(references)), [len(tags) for tags in references])
        cells = len(references) * len(labels)

        def tally(codes: Codes, weights: Array | None = None) -> Array:
            totals = np.bincount(sentence * len(labels) + codes, weights, minlength=cells)
            return totals.reshape(len(references), len(labels)).astype(np.float64)

        by_label = np.stack(
            [tally(gold, (gold == predicted).astype(np.float64)), tally(predicted), tally(gold)], axis=1
        )
        without_outside = by_label[..., [label != OUTSIDE for label in labels]].sum(axis=-1)
        return np.concatenate([by_label.reshape(len(references), -1), without_outside], axis=1)

    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """The values from counts of shape (..., 3 * labels + 3)."""
        by_label, without_outside = sums[..., :-3], sums[..., -3:]
        right, predicted, gold = parts(by_label)
        f1 = ratio(2 * right, predicted + gold)
        *_, f1_of_fixed = by_class(by_label, whole[:-3], every=self.options.labels is not None)
        tokens = gold.sum(axis=-1)
        return {
            "token_accuracy": ratio(right.sum(axis=-1), tokens),
            "token_macro_f1": mean(f1_of_fixed),
            "token_weighted_f1": ratio((f1 * gold).sum(axis=-1), tokens),
            "token_f1_without_O": ratio(2 * without_outside[..., 0], without_outside[..., 1:].sum(axis=-1)),
        }

    def report(self, predictions: Sentences, references: Sentences) -> Report:
        """A row per label, including O; support is the number of gold tokens, "micro avg" the accuracy."""
        labels, predicted, gold = self._flat(predictions, references)
        codes = range(len(labels))
        among = {"micro": codes, "macro": self._averaged(labels, gold), "weighted": codes}
        averages = {f"{name} avg": _row(gold, predicted, each, name) for name, each in among.items()}
        table = zip(*precision_recall_fscore_support(gold, predicted, labels=codes, zero_division=0), strict=True)
        classes = {label: as_row(*row) for label, row in zip(labels, table, strict=True)}
        return {"classes": classes, "averages": averages}

    def _averaged(self, labels: Sequence[str], gold: Codes) -> Sequence[int]:
        """The indices of the labels over which the macro average runs."""
        return range(len(labels)) if self.options.labels else [*map(int, np.unique(gold))]

    def _flat(self, predictions: Sentences, references: Sentences) -> tuple[list[str], Codes, Codes]:
        """The labels, and all tags of predictions and references as indices into them."""
        both = list(pairs(predictions, references))
        predicted, gold = (list(chain.from_iterable(tags)) for tags in ([p for p, _ in both], [g for _, g in both]))
        seen = {*predicted, *gold}
        labels = self.options.labels or sorted(seen)
        if unknown := sorted(seen.difference(labels)):
            raise ValueError(f"tags {unknown} are not among the labels {labels}")
        code = {label: position for position, label in enumerate(labels)}
        return labels, np.array([code[tag] for tag in predicted], int), np.array([code[tag] for tag in gold], int)


def _row(gold: Codes, predicted: Codes, labels: Sequence[int], average: str) -> ClassScores:
    precision, recall, f1, _ = precision_recall_fscore_support(
        gold, predicted, labels=labels, average=average, zero_division=0
    )
    return as_row(precision, recall, f1, len(gold))


METRIC = TokenReport
