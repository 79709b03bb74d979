"""Macro F1 over relations, direction counted and Other left out: the official score of SemEval-2010 task 8.

Hendrickx et al. 2010, "SemEval-2010 Task 8: Multi-Way Classification of Semantic Relations between Pairs of Nominals",
and its scorer, semeval2010_task8_scorer-v1.2.pl: (9+1)-way evaluation with directionality taken into account. The right
relation in the wrong direction is an error of both precision and recall of that relation. The mean runs over the
relations in the references; one that is only predicted is not part of it. See `_classes` for how the interval keeps to
these relations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from pefbench.metrics._base import TEXT
from pefbench.metrics._classes import FIXED, ClassMetric, by_class, mean
from pefbench.results.classification_report import as_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import ClassScores, Report

    Array = npt.NDArray[np.float64]

_DIRECTION = re.compile(r"\(e[12],e[12]\)$")
_NOTHING = "(nothing)"  # no relation has this name


class RelationF1(ClassMetric):
    """Macro-averaged precision, recall and F1 over relations, from labels such as "Cause-Effect(e2,e1)" or "Other".

    Predictions and references: one label per example, equally many; ValueError otherwise. A value is 0 where its
    denominator is 0, and where no reference has a relation.
    """

    headline = "relation_f1"
    higher_is_better: ClassVar = {"relation_precision": True, "relation_recall": True, "relation_f1": True}
    library = "scikit-learn"
    prediction = TEXT
    reference = TEXT
    other: ClassVar[str] = "Other"
    """The label of examples that have none of the relations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.settings = f"average:macro|direction:counted|{FIXED}|without:{self.other}"

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        relations = self._relations(references)
        macro = _averaged(predictions, references, relations, "macro")
        return dict(zip(self.higher_is_better, (macro["precision"], macro["recall"], macro["f1-score"]), strict=True))

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """Right, predicted and gold examples by relation of each example: (examples, 3 * relations)."""
        relations = self._relations([*predictions, *references])
        code = {name: position for position, name in enumerate(relations)}
        one_hot = np.concatenate([np.eye(len(relations)), np.zeros((1, len(relations)))])  # the last row is Other
        found, wanted = (
            one_hot[[code.get(relation(label), -1) for label in labels]] for labels in (predictions, references)
        )
        right = np.asarray([predicted == gold for predicted, gold in zip(predictions, references, strict=True)])
        return np.concatenate([wanted * right[:, None], found, wanted], axis=1)

    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """The macro averages from counts of shape (..., 3 * relations)."""
        return dict(zip(self.higher_is_better, map(mean, by_class(sums, whole)), strict=True))

    def report(self, predictions: Sequence[str], references: Sequence[str]) -> Report:
        """A row per relation in the references, then Other; the averages leave Other out."""
        relations = self._relations(references)
        names = [*relations, *({self.other} & set(references))]
        table = _table(predictions, references, names, None)
        return {
            "classes": {name: as_row(*row) for name, row in zip(names, zip(*table, strict=True), strict=True)},
            "averages": {
                f"{average} avg": _averaged(predictions, references, relations, average)
                for average in ("micro", "macro", "weighted")
            },
        }

    def _relations(self, labels: Sequence[str]) -> list[str]:
        """The relations that these labels name, without direction, sorted."""
        return sorted({relation(label) for label in labels} - {self.other})


def relation(label: str) -> str:
    """A label without its direction."""
    return _DIRECTION.sub("", label)


def _averaged(
    predictions: Sequence[str], references: Sequence[str], relations: Sequence[str], average: str
) -> ClassScores:
    """An average over these relations; support is the number of references that have one of them."""
    support = sum(relation(label) in relations for label in references)
    precision, recall, f1, _ = _table(predictions, references, relations, average) if relations else (0, 0, 0, 0)
    return as_row(precision, recall, f1, support)


def _table(predictions: Sequence[str], references: Sequence[str], names: Sequence[str], average: str | None) -> Any:
    """Scikit-learn's precision, recall, F1 and support of these classes."""
    found, wanted = zip(*_decisions(predictions, references), strict=True)
    return precision_recall_fscore_support(wanted, found, labels=names, average=average, zero_division=0)


def _decisions(predictions: Sequence[str], references: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Predicted and true relations. A wrong direction gives two: a false positive and a false negative."""
    for predicted, gold in zip(predictions, references, strict=True):
        found, wanted = relation(predicted), relation(gold)
        if found == wanted and predicted != gold:
            yield found, _NOTHING
            yield _NOTHING, wanted
        else:
            yield found, wanted


METRIC = RelationF1
