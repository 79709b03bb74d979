"""F1 over relations, direction counted and Other, or another label of unrelated pairs, left out.

By default the official score of SemEval-2010 task 8 (Hendrickx et al. 2010, "SemEval-2010 Task 8: Multi-Way
Classification of Semantic Relations between Pairs of Nominals", and its scorer, semeval2010_task8_scorer-v1.2.pl):
(9+1)-way evaluation with directionality taken into account. The right relation in the wrong direction is an error of
both precision and recall of that relation. The macro average runs over the relations in the references; one that is
only predicted is not part of it. See `_classes` for how the interval keeps to these relations.

``{name: relation_f1, without: no_relation, average: micro}`` is the score of TACRED (Zhang et al. 2017,
"Position-aware Attention and Supervised Data Improve Slot Filling", and its scorer): every predicted relation counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.metrics import precision_recall_fscore_support

from pefbench.metrics._base import TEXT, ratio
from pefbench.metrics._classes import FIXED, ClassMetric, by_class, mean, parts
from pefbench.results.classification_report import as_row
from pefbench.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import ClassScores, Report

    Array = npt.NDArray[np.float64]

_DIRECTION = re.compile(r"\(e[12],e[12]\)$")
_NOTHING = "(nothing)"  # no relation has this name
_UNRELATED = re.compile(r"no[-_ ]?relation|other|none|n/?a", re.IGNORECASE)
"""The usual labels of pairs without a relation: TACRED's no_relation, NYT's NA or None."""


class RelationOptions(Section):
    """The options that a recipe may set."""

    without: str | None = Field(
        "Other",
        description="the label of pairs that have none of the relations, left out of the averages, such as "
        "no_relation or NA; null: every label is a relation",
    )
    average: Literal["macro", "micro"] = Field(
        "macro", description="macro: all relations count equally, as in SemEval; micro: all pairs do, as in TACRED"
    )


class RelationF1(ClassMetric):
    """Averages of precision, recall and F1 over relations, from labels such as "Cause-Effect(e2,e1)" or "Other".

    Predictions and references: one label per example, equally many; ValueError otherwise. A value is 0 where its
    denominator is 0, and where no reference has a relation.
    """

    headline = "relation_f1"
    higher_is_better: ClassVar = {"relation_precision": True, "relation_recall": True, "relation_f1": True}
    library = "scikit-learn"
    prediction = TEXT
    reference = TEXT
    options_type = RelationOptions
    options: RelationOptions

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        average, without = self.options.average, self.options.without
        fixed = f"|{FIXED}" if average == "macro" else ""
        left_out = "" if without is None else f"|without:{without}"
        self.settings = f"average:{average}|direction:counted{fixed}{left_out}"

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why references cannot be scored: a label that usually means no relation would count as one."""
        if wrong := super().refusal(references):
            return wrong
        without, chosen = self.options.without, "without" in self.options.model_fields_set
        if chosen and (without is None or without in references):
            return None
        reasons = [f"no reference has the label {without!r}, which it should leave out"] if chosen else []
        usual = next((each for each in references if each != without and _UNRELATED.fullmatch(each)), None)
        if usual is not None:
            reasons.append(
                f"the label {usual!r} usually means that a pair has no relation, and would count as one; {{name: "
                f"relation_f1, without: {usual}}} leaves it out (with average: micro as in TACRED), and without: "
                f"{'null' if without not in references else without} counts it"
            )
        return "; ".join(reasons) or None

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        found = self._averaged(predictions, references, self.options.average)
        return dict(zip(self.higher_is_better, (found["precision"], found["recall"], found["f1-score"]), strict=True))

    def counts(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """Right, predicted and gold examples by relation of each example: (examples, 3 * relations)."""
        relations = self._relations([*predictions, *references])
        code = {name: position for position, name in enumerate(relations)}
        one_hot = np.concatenate(
            [np.eye(len(relations)), np.zeros((1, len(relations)))]
        )  # the last row is the label left out
        found, wanted = (
            one_hot[[code.get(relation(label), -1) for label in labels]] for labels in (predictions, references)
        )
        right = np.asarray([predicted == gold for predicted, gold in zip(predictions, references, strict=True)])
        return np.concatenate([wanted * right[:, None], found, wanted], axis=1)

    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """The averages from counts of shape (..., 3 * relations)."""
        if self.options.average == "macro":
            return dict(zip(self.higher_is_better, map(mean, by_class(sums, whole)), strict=True))
        right, predicted, gold = (part.sum(axis=-1) for part in parts(sums))
        found = (ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold))
        return dict(zip(self.higher_is_better, found, strict=True))

    def report(self, predictions: Sequence[str], references: Sequence[str]) -> Report:
        """A row per relation in the references, then the label left out, which is not part of the averages."""
        without = self.options.without
        names = self._relations(references) + ([without] if without is not None and without in references else [])
        table = zip(*_table(predictions, references, names, None), strict=True)
        return {
            "classes": {name: as_row(*row) for name, row in zip(names, table, strict=True)},
            "averages": {
                f"{average} avg": self._averaged(predictions, references, average)
                for average in ("micro", "macro", "weighted")
            },
        }

    def _averaged(self, predictions: Sequence[str], references: Sequence[str], average: str) -> ClassScores:
        """An average over the relations in the references; support is how many of these have a relation.

        With the option `micro`, relations that are only predicted count in the micro average, too.
        """
        relations = self._relations(references)
        support = sum(relation(label) in relations for label in references)
        if average == "micro" == self.options.average:
            relations = self._relations([*predictions, *references])
        precision, recall, f1, _ = _table(predictions, references, relations, average) if relations else (0, 0, 0, 0)
        return as_row(precision, recall, f1, support)

    def _relations(self, labels: Sequence[str]) -> list[str]:
        """The relations that these labels name, without direction, sorted."""
        return sorted({relation(label) for label in labels} - {self.options.without})


def relation(label: str) -> str:
    """A label without its direction."""
    return _DIRECTION.sub("", label)


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
