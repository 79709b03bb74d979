"""The sequence head: one label for a text or a pair of texts, as in topic classification or inference."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pefbench.heads import IGNORED, TARGETS
from pefbench.heads._labels import LabelAnswers
from pefbench.heads._pairs import tells_segments
from pefbench.heads._texts import TextHead
from pefbench.heads.dataset import Fixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig

    from pefbench.heads import HeadConfig
    from pefbench.heads._labels import LabelAnswer
    from pefbench.heads._pairs import Array
    from pefbench.heads.examples import SequenceExample

DECIMALS = 9


@dataclass(frozen=True)
class SequenceDataset(Fixed):
    """Labelled texts by split, and the labels that the training split has.

    outside: the label of texts to which no other label applies, if there is one; see `SequenceHead`.
    """

    splits: Mapping[str, Sequence[SequenceExample]]
    labels: list[str]
    notes: Sequence[str] = field(default_factory=list)
    outside: str | None = None

    def head(self, model: PretrainedConfig) -> SequenceHead:
        """The sequence head over these labels, with the input that this model needs."""
        return SequenceHead(
            self.labels,
            segments=tells_segments(model),
            reads_end=bool(model.is_encoder_decoder),
            outside=self.outside,
        )


DATASET = SequenceDataset


class SequenceHead(TextHead):
    """Classification of whole texts.

    segments, reads_end: see `TextHead`. outside: a label whose probability is added to each answer.
    """

    answers = LabelAnswers()

    def __init__(
        self, labels: Sequence[str], *, segments: bool = False, reads_end: bool = False, outside: str | None = None
    ) -> None:
        super().__init__(segments=segments, reads_end=reads_end)
        self.labels, self.outside = list(labels), outside
        self.weights: Array | None = None

    def balanced(self, examples: Sequence[SequenceExample]) -> Self:
        """The same head, each class weighted by examples / (classes x examples of the class), (classes,).

        The loss on all `examples` keeps its scale: their mean weight is 1 if every class has examples.
        """
        changed = copy(self)
        counts = np.bincount(self.targets(examples), minlength=len(self.labels))
        changed.weights = (len(examples) / len(self.labels) / np.maximum(counts, 1)).astype(np.float32)
        return changed

    def config(self) -> HeadConfig:
        """Name the labels in the model's config."""
        return {"id2label": dict(enumerate(self.labels)), "label2id": {label: i for i, label in enumerate(self.labels)}}

    def targets(self, examples: Sequence[SequenceExample]) -> Array:
        """The number of each text's label, (examples,); IGNORED for labels that the training split does not have."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.asarray([index.get(example.label, IGNORED) for example in examples], dtype=np.int64)

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy, weighted by class if `balanced`; the model's logits have shape (batch, labels)."""
        import torch
        from torch.nn.functional import cross_entropy

        logits = self.outputs(model, batch)
        weights = None if self.weights is None else torch.from_numpy(self.weights).to(logits.device)
        return cross_entropy(logits, batch[TARGETS], weights, ignore_index=IGNORED, reduction="sum")

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[LabelAnswer]:  # noqa: ARG002 - an answer needs the logits alone
        """The most likely label of each text; with `outside`, also the probability of that label."""
        return self._answers(self.outputs(model, batch))

    def scored(
        self,
        model: nn.Module,
        batch: Mapping[str, Tensor],
        decoding: Sequence[Any],  # noqa: ARG002 - an answer needs the logits alone
    ) -> list[tuple[LabelAnswer, list[float]]]:
        """The answers, each with the probabilities of all labels, in their order."""
        logits = self.outputs(model, batch)
        return list(zip(self._answers(logits), logits.double().softmax(-1).tolist(), strict=True))

    def _answers(self, logits: Tensor) -> list[LabelAnswer]:
        labels = [self.labels[best] for best in logits.argmax(-1).tolist()]
        if self.outside is None:
            return list(labels)
        chances = logits.softmax(-1)[:, self.labels.index(self.outside)].tolist()
        return [
            {"label": label, "outside": round(chance, DECIMALS)} for label, chance in zip(labels, chances, strict=True)
        ]
