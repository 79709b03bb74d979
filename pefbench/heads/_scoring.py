"""Scores for the candidates of a choice: loss, choice and ranking."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import DataError
from pefbench.heads import ROWS, TARGETS, Answers, Encoded, Head
from pefbench.heads.examples import NO_CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from pefbench.heads import Choice
    from pefbench.heads._pairs import Array
    from pefbench.heads.examples import ChoiceExample


DECIMALS = 6


class ChoiceAnswers(Answers):
    """Choices: the number of the best candidate, and all scores. scored: how, as in a metric's signature."""

    def __init__(self, scored: str = "") -> None:
        self.scored = scored

    @property
    def decoding_signature(self) -> str:
        """How a score is computed, unless a trained head computes it."""
        return self.scored

    def prompt(self, example: ChoiceExample) -> str:
        """The context and the numbered candidates."""
        return " | ".join([example.context, *(f"{i}: {each}" for i, each in enumerate(example.candidates))])

    def references(self, examples: Sequence[ChoiceExample]) -> list[int]:
        """The number of the right candidate."""
        return [example.label for example in examples]

    def correct(self, prediction: Choice, reference: int) -> bool:
        """Whether the chosen candidate is the right one."""
        return bool(prediction["choice"] == reference)

    def same(self, before: Choice, after: Choice) -> bool:
        """Whether the scores are equal up to rounding, as between two ways of computing them."""
        old, new = before["scores"], after["scores"]
        return len(old) == len(new) and bool(np.allclose(old, new, rtol=1e-2, atol=1e-3))


class ScoringHead(Head):
    """One score per row, with the loss, choice and ranking derived from the scores."""

    answers: ChoiceAnswers = ChoiceAnswers()
    candidates: tuple[str, ...] = ()
    """The candidates, if all examples have the same."""

    @abstractmethod
    def scores(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The score of each row, (rows,), in fp32."""

    @abstractmethod
    def right(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Whether each row's candidate is the right one, (rows,): 1 or 0."""

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over the candidates of each example."""
        from torch.nn.functional import cross_entropy

        label = by_example(self.right(batch), batch[ROWS], -1).argmax(-1)
        scores = by_example(self.scores(model, batch), batch[ROWS], -float("inf"))
        return cross_entropy(scores, label, reduction="sum")

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[Choice]:  # noqa: ARG002 - an answer needs the scores alone
        """The best candidate of each example (the first, if several are equal), and all scores."""
        scores = self.scores(model, batch).detach().cpu().numpy().astype(np.float64).round(DECIMALS)
        bounds = np.cumsum(batch[ROWS].cpu().numpy())[:-1]
        return [{"choice": int(each.argmax()), "scores": each.tolist()} for each in np.split(scores, bounds)]


def by_example(values: Tensor, rows: Tensor, padding: float) -> Tensor:
    """The values of rows, (rows,), by example: (examples, most rows of one), filled up with `padding`."""
    import torch

    there = torch.arange(int(rows.max()), device=rows.device) < rows[:, None]
    return values.new_full(there.shape, padding).masked_scatter(there, values)


def right_ones(examples: Sequence[ChoiceExample]) -> Array:
    """Whether each row's candidate is the right one, (rows,). Raises DataError if there is none."""
    for number, example in enumerate(examples):
        if example.label != NO_CANDIDATE and not 0 <= example.label < len(example.candidates):
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
    """Rows as examples. truncated: whether each row lost text; targets: for each row, any shape."""
    rows = np.asarray([len(example.candidates) for example in examples], dtype=np.int64)
    firsts = np.cumsum(rows) - rows
    return Encoded(
        features=features,
        fixed={TARGETS: targets},
        targets=np.ones(len(examples), dtype=np.int64),
        decoding=[None] * len(examples),
        rows=rows,
        cut=np.logical_or.reduceat(truncated, firsts).tolist() if len(examples) else (),
        padding=padding,
    )
