"""Entity precision, recall and F1, micro-averaged: an entity counts if its type and both boundaries are right.

seqeval in strict IOB2 mode. Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 Shared Task" (2003),
section 2.3; conlleval, the script of that task, also counts an I- that begins an entity, which strict mode does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from seqeval.metrics.v1 import classification_report, precision_recall_fscore_support
from seqeval.scheme import IOB2

from pefbench.metrics._base import TAGS, AdditiveMetric, pairs, ratio
from pefbench.results.classification_report import as_row
from pefbench.sources.tagging import spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import Report

    Sentences = Sequence[Sequence[str]]
    Array = npt.NDArray[np.float64]

_AVERAGES = ("micro avg", "macro avg", "weighted avg")
_STRICT: dict[str, Any] = {"scheme": IOB2, "zero_division": 0}  # seqeval's keyword arguments


class EntityF1(AdditiveMetric):
    """Micro-averaged precision, recall and F1 over entities, from IOB2 tags.

    Predictions and references: one list of tags per sentence, both of the same length; ValueError otherwise.
    Where nothing is predicted, or nothing is there to be found, the value is 0.
    """

    headline = "entity_f1"
    higher_is_better: ClassVar = {"entity_precision": True, "entity_recall": True, "entity_f1": True}
    library = "seqeval"
    settings = "mode:strict|scheme:IOB2|average:micro"
    prediction = TAGS
    reference = TAGS

    def _compute(self, *, predictions: Sentences, references: Sentences) -> dict[str, float]:
        predicted, gold = _lists(predictions, references)
        precision, recall, f1, _ = precision_recall_fscore_support(gold, predicted, average="micro", **_STRICT)
        return {"entity_precision": float(precision), "entity_recall": float(recall), "entity_f1": float(f1)}

    def counts(self, predictions: Sentences, references: Sentences) -> Array:
        """The numbers of right, predicted and gold entities of each sentence: (sentences, 3)."""
        rows = []
        for predicted, gold in pairs(predictions, references):
            found, wanted = set(spans(predicted)), set(spans(gold))
            rows.append((len(found & wanted), len(found), len(wanted)))
        return np.array(rows, dtype=np.float64).reshape(-1, 3)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """Precision, recall and F1 from right, predicted and gold entities, (..., 3)."""
        right, predicted, gold = np.moveaxis(sums, -1, 0)
        return {
            "entity_precision": ratio(right, predicted),
            "entity_recall": ratio(right, gold),
            "entity_f1": ratio(2 * right, predicted + gold),
        }

    def report(self, predictions: Sentences, references: Sentences) -> Report:
        """A row per entity type that is predicted or gold; support is the number of gold entities."""
        predicted, gold = _lists(predictions, references)
        if not any(spans(tags) for tags in [*predicted, *gold]):  # seqeval would average over nothing
            return {"classes": {}, "averages": {name: as_row(0, 0, 0, 0) for name in _AVERAGES}}
        table = classification_report(gold, predicted, output_dict=True, **_STRICT)
        columns = ("precision", "recall", "f1-score", "support")
        rows = {name: as_row(*(row[column] for column in columns)) for name, row in table.items()}
        return {
            "classes": {name: row for name, row in rows.items() if name not in _AVERAGES},
            "averages": {name: rows[name] for name in _AVERAGES},
        }


def _lists(predictions: Sentences, references: Sentences) -> tuple[list[list[str]], list[list[str]]]:
    """Predictions and references as lists, the only sequences that seqeval accepts."""
    both = [(list(predicted), list(gold)) for predicted, gold in pairs(predictions, references)]
    return [predicted for predicted, _ in both], [gold for _, gold in both]


METRIC = EntityF1
