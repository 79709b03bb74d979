"""The choice form: which of several candidates fits a context, as in reply selection, commonsense and recommendation.

Each candidate is a row: the context and the candidate. A row gets one score, and the loss is the cross-entropy over the
scores of an example's rows (Radford et al. 2018, section 3.3; Zellers et al. 2018, arXiv:1808.05326).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import DataError
from pefbench.heads import ROWS, TARGETS, Encoded, Form
from pefbench.heads._language import is_decoder, offers_last_logits
from pefbench.heads._pairs import SEGMENTS, cut, fitting, ids, tells_segments, template
from pefbench.heads._pooling import RowForm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads._pairs import Array, End

    Choice = dict[str, Any]

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, its candidates, and which of them is right (from 0).

    Where equal scores must not be rewarded, the place of the right one should say nothing: shuffle the candidates.
    """

    context: str
    candidates: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class ChoiceDataset:
    """Choices by split.

    keep: which end of a context is kept when it is too long. likelihood: decoders compare how likely the candidates
    are, instead of getting a head; other models have one in any case.
    """

    splits: Mapping[str, Sequence[ChoiceExample]]
    notes: Sequence[str] = field(default_factory=list)
    keep: End = "end"
    likelihood: bool = False

    def form(self, model: PretrainedConfig) -> ScoringForm:
        """Return the choice form for this kind of model."""
        if self.likelihood and is_decoder(model):
            from pefbench.heads.likelihood import LikelihoodForm

            return LikelihoodForm(keep=self.keep, last_logits=offers_last_logits(model))
        return ChoiceForm(keep=self.keep, segments=tells_segments(model))


class ScoringForm(Form):
    """One score a row, and what follows from the scores: loss, choice, ranking."""

    @abstractmethod
    def scores(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the score of each row, (rows,), in fp32."""

    @abstractmethod
    def right(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return for each row whether its candidate is the right one, (rows,): 1 or 0."""

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over the candidates of each example."""
        from torch.nn.functional import cross_entropy

        label = by_example(self.right(batch), batch[ROWS], -1).argmax(-1)
        scores = by_example(self.scores(model, batch), batch[ROWS], -float("inf"))
        return cross_entropy(scores, label, reduction="sum")

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[Choice]:  # noqa: ARG002 - an answer needs the scores alone
        """Return for each example the best candidate, the first of equals, and the scores of all."""
        scores = self.scores(model, batch).detach().cpu().numpy().astype(np.float64).round(DECIMALS)
        bounds = np.cumsum(batch[ROWS].cpu().numpy())[:-1]
        return [{"choice": int(each.argmax()), "scores": each.tolist()} for each in np.split(scores, bounds)]

    def asked(self, example: ChoiceExample) -> str:
        """Return the context and the numbered candidates."""
        return " | ".join([example.context, *(f"{i}: {each}" for i, each in enumerate(example.candidates))])

    def references(self, examples: Sequence[ChoiceExample]) -> list[int]:
        """Return which candidate is right."""
        return [example.label for example in examples]

    def correct(self, prediction: Choice, reference: int) -> bool:
        """Return whether the chosen candidate is the right one."""
        return bool(prediction["choice"] == reference)

    def same(self, before: Choice, after: Choice) -> bool:
        """Return whether the scores agree but for rounding, which may differ between two ways to the same numbers."""
        return bool(np.allclose(before["scores"], after["scores"], rtol=1e-2, atol=1e-3))


class ChoiceForm(RowForm, ScoringForm):
    """Candidates scored by a head of one output: the sequence head, so that every architecture with one has it.

    BERT's own head for multiple choice computes the same. keep: which end of a context is kept when it is too long.
    segments: the model tells context and candidate apart by `token_type_ids`.
    """

    def __init__(self, *, keep: End = "end", segments: bool = False) -> None:
        self.keep, self.segments = keep, segments

    def config(self) -> dict[str, Any]:
        """Ask for one score a row."""
        return {"num_labels": 1}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[ChoiceExample], max_length: int) -> Encoded:
        """Put each candidate behind its context. Of a row that is too long, neither is cut below half of it.

        Raises RecipeError when the length leaves no room for two texts.
        """
        around = template(tokenizer)
        room = around.room(max_length)
        contexts = ids(tokenizer, [example.context for example in examples])
        candidates = ids(tokenizer, [text for example in examples for text in example.candidates])
        behind = [context for context, example in zip(contexts, examples, strict=True) for _ in example.candidates]
        texts = [self._fitted(*row, room) for row in zip(behind, candidates, strict=True)]
        features = {"input_ids": [around.join(*row) for row in texts]}
        padding = {"input_ids": tokenizer.pad_token_id}
        if self.segments:
            features[SEGMENTS] = [around.segments_of(len(context), len(candidate)) for context, candidate in texts]
            padding[SEGMENTS] = tokenizer.pad_token_type_id
        truncated = [
            len(context) + len(candidate) > room for context, candidate in zip(behind, candidates, strict=True)
        ]
        return of_rows(examples, features, padding, right_ones(examples), truncated=np.asarray(truncated))

    def _fitted(self, context: Array, candidate: Array, room: int) -> tuple[Array, Array]:
        """Return a row's two texts in at most `room` pieces."""
        kept = cut(context, fitting(len(context), len(candidate), room), self.keep)
        return kept, candidate[: room - len(kept)]

    def scores(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the head's output, its only one."""
        return self.outputs(model, batch)[:, 0]

    def right(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the targets as they are."""
        return batch[TARGETS]


def by_example(values: Tensor, rows: Tensor, padding: float) -> Tensor:
    """Return values of rows, (rows,), by example: (examples, most rows of one), the rest being `padding`."""
    import torch

    there = torch.arange(int(rows.max()), device=rows.device) < rows[:, None]
    return values.new_full(there.shape, padding).masked_scatter(there, values)


def right_ones(examples: Sequence[ChoiceExample]) -> Array:
    """Return for each row whether its candidate is the right one, (rows,). Raises DataError when there is none."""
    for number, example in enumerate(examples):
        if not 0 <= example.label < len(example.candidates):
            raise DataError(
                f"choice {number}: the right candidate is number {example.label} of {len(example.candidates)}"
            )
    flags = [i == example.label for example in examples for i in range(len(example.candidates))]
    return np.asarray(flags, dtype=np.int64)


def of_rows(
    examples: Sequence[ChoiceExample],
    features: dict[str, list[Array]],
    padding: dict[str, int],
    targets: Array,
    *,
    truncated: Array,
) -> Encoded:
    """Return rows as examples. truncated: for each row, whether it lost text; targets: for each row, any shape."""
    rows = np.asarray([len(example.candidates) for example in examples], dtype=np.int64)
    firsts = np.cumsum(rows) - rows
    return Encoded(
        features=features,
        fixed={TARGETS: targets},
        targets=np.ones(len(examples), dtype=np.int64),
        decoding=[None] * len(examples),
        rows=rows,
        truncated=int(np.logical_or.reduceat(truncated, firsts).sum()) if len(examples) else 0,
        padding=padding,
    )
