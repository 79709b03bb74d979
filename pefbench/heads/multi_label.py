"""The multi-label head: any number of labels for a text or a pair of texts, each decided independently.

It is the sequence head with an independent sigmoid for each label (binary relevance), trained by binary cross-entropy,
as in transformers for `problem_type` `multi_label_classification`.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from pefbench.errors import DataError
from pefbench.heads import TARGETS, Answers
from pefbench.heads._pairs import tells_segments
from pefbench.heads._texts import TextHead
from pefbench.heads.dataset import Fixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig

    from pefbench.heads import HeadConfig, LabelSet
    from pefbench.heads._pairs import Array
    from pefbench.heads.examples import LabelSetExample

DECIMALS = 9
HALF = 0.5
ROUNDING = 1e-3
"""The tolerance between two ways of computing the same probability."""

Thresholds = Literal["per-label"] | float
"""The probability from which a label is assigned; per-label: chosen for each label on validation."""


@dataclass(frozen=True)
class MultiLabelDataset(Fixed):
    """Texts with any number of labels by split, and the labels that the training split has."""

    splits: Mapping[str, Sequence[LabelSetExample]]
    labels: list[str]
    notes: Sequence[str] = field(default_factory=list)
    thresholds: Thresholds = HALF

    def head(self, model: PretrainedConfig) -> MultiLabelHead:
        """The multi-label head over these labels, with the input that this model needs."""
        return MultiLabelHead(
            self.labels,
            thresholds=self.thresholds,
            segments=tells_segments(model),
            reads_end=bool(model.is_encoder_decoder),
        )


DATASET = MultiLabelDataset


class LabelSetAnswers(Answers):
    """Sets of labels. thresholds: label -> the probability from which it is assigned. signature: how they were set."""

    def __init__(self, thresholds: Mapping[str, float], signature: str) -> None:
        self.thresholds, self._signature = dict(thresholds), signature

    @property
    def decoding_signature(self) -> str:
        """The thresholds, or how they were chosen."""
        return self._signature

    def references(self, examples: Sequence[LabelSetExample]) -> list[LabelSet]:
        """Each text's labels."""
        return [{"labels": list(example.labels)} for example in examples]

    def correct(self, prediction: LabelSet, reference: LabelSet) -> bool:
        """Whether exactly the right labels are given."""
        return set(prediction["labels"]) == set(reference["labels"])

    def same(self, before: LabelSet, after: LabelSet) -> bool:
        """Whether probabilities are equal up to rounding, and labels too, except those that rounding decides."""
        old, new = before["scores"], after["scores"]
        if len(old) != len(new) or any(abs(one - other) >= ROUNDING for one, other in zip(old, new, strict=True)):
            return False
        close = {
            label
            for (label, threshold), score in zip(self.thresholds.items(), new, strict=True)
            if abs(score - threshold) < ROUNDING
        }
        return set(before["labels"]) ^ set(after["labels"]) <= close

    def judged(self, answers: Sequence[LabelSet], examples: Sequence[LabelSetExample]) -> list[LabelSet]:  # noqa: ARG002 - the thresholds decide
        """A split's answers with the labels that the thresholds give; a baseline's answers keep their own."""
        return [self._decided(answer) if "scores" in answer else answer for answer in answers]

    def _decided(self, answer: LabelSet) -> LabelSet:
        both = zip(self.thresholds.items(), answer["scores"], strict=True)
        return {
            "labels": [label for (label, threshold), score in both if score >= threshold],
            "scores": answer["scores"],
        }


class MultiLabelHead(TextHead):
    """Any number of labels for whole texts.

    thresholds: the probability from which a label is assigned, or per-label: 0.5 until `adjusted` chooses on
    validation. segments, reads_end: see `TextHead`.
    """

    answers: LabelSetAnswers

    def __init__(
        self,
        labels: Sequence[str],
        *,
        thresholds: Thresholds = HALF,
        segments: bool = False,
        reads_end: bool = False,
    ) -> None:
        super().__init__(segments=segments, reads_end=reads_end)
        self.labels, self.per_label = list(labels), thresholds == "per-label"
        self.weights: Array | None = None
        fixed = HALF if thresholds == "per-label" else thresholds
        signature = "thresholds:per-label-by-validation-f1" if self.per_label else f"threshold:{fixed:g}"
        self.answers = LabelSetAnswers(dict.fromkeys(self.labels, fixed), signature)

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Label -> its threshold, if each label has its own."""
        return self.answers.thresholds if self.per_label else {}

    def adjusted(self, answers: Sequence[LabelSet], examples: Sequence[LabelSetExample]) -> Self:
        """The same head with the threshold for each label with the best F1 on these examples: `best_threshold`."""
        if not self.per_label or not examples:
            return self
        scores = np.asarray([answer["scores"] for answer in answers], dtype=np.float64)
        right = self.targets(examples) > 0
        return self.with_thresholds(
            {label: best_threshold(scores[:, i], right[:, i]) for i, label in enumerate(self.labels)}
        )

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        """The same head with these thresholds, in the order of its labels. Raises DataError for other labels."""
        if not self.per_label and not thresholds:
            return self
        if not self.per_label or thresholds.keys() != set(self.labels):
            raise DataError("the thresholds are for other labels than the data's")
        changed = copy(self)
        ordered = {label: thresholds[label] for label in self.labels}
        changed.answers = LabelSetAnswers(ordered, self.answers.decoding_signature)
        return changed

    def balanced(self, examples: Sequence[LabelSetExample]) -> Self:
        """The same head, with equal total weight for texts with and without each label, (labels,)."""
        changed = copy(self)
        having = self.targets(examples).sum(axis=0)
        changed.weights = (np.maximum(len(examples) - having, 1) / np.maximum(having, 1)).astype(np.float32)
        return changed

    def config(self) -> HeadConfig:
        """Name the labels in the model's config."""
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: i for i, label in enumerate(self.labels)},
            "problem_type": "multi_label_classification",
        }

    def targets(self, examples: Sequence[LabelSetExample]) -> Array:
        """1 for each label of a text, else 0, (examples, labels); labels unknown in training are ignored."""
        index = {label: i for i, label in enumerate(self.labels)}
        found = np.zeros((len(examples), len(self.labels)), dtype=np.float32)
        for row, example in enumerate(examples):
            found[row, [index[label] for label in example.labels if label in index]] = 1
        return found

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Binary cross-entropy, averaged over labels for each text; the model's logits have shape (batch, labels)."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        logits = self.outputs(model, batch)
        weights = None if self.weights is None else torch.from_numpy(self.weights).to(logits.device)
        total = binary_cross_entropy_with_logits(logits, batch[TARGETS], pos_weight=weights, reduction="sum")
        return total / len(self.labels)

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[LabelSet]:  # noqa: ARG002 - an answer needs the logits alone
        """The probability of each label, and the labels that reach their thresholds."""
        scores = self.outputs(model, batch).sigmoid().detach().cpu().double().numpy().round(DECIMALS)
        return self.answers.judged([{"labels": [], "scores": row} for row in scores.tolist()], [])


def best_threshold(scores: Array, right: Array) -> float:
    """The threshold with the best F1 for a label; scores and right: (examples,).

    It is halfway between two neighbouring scores, so that rounding decides nothing. Of equally good thresholds, it is
    the one nearest to 0.5; it is also 0.5 if no example has the label.
    """
    if not right.any():
        return HALF
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    # Assigned to the first k examples, if the next score is lower: no threshold separates equal scores.
    given = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], True)) + 1
    f1 = 2 * hits[given - 1] / (given + right.sum())
    below = np.append(ranked, 0.0)[given]
    halfway = (ranked[given - 1] + below) / 2
    places = np.where((below < HALF) & (ranked[given - 1] >= HALF), HALF, halfway)
    chosen = places[np.isclose(f1, f1.max(), rtol=0, atol=1e-12)]
    return float(chosen[np.abs(chosen - HALF).argmin()])
