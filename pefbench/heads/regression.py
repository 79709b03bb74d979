"""The regression head: one number for a text or a pair of texts, as in essay scoring and semantic similarity.

It is the sequence head with one output, trained by the mean squared error, as in transformers for `num_labels=1`. It
learns standardised scores, so that one learning rate fits scores from 0 to 1 and from 0 to 60. The scale is that of the
training examples in use: a trial with `train.max_examples` does not know the scores of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import DataError
from pefbench.heads import TARGETS, Answers
from pefbench.heads._pairs import tells_segments
from pefbench.heads._texts import TextHead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig

    from pefbench.heads import HeadConfig
    from pefbench.heads._pairs import Array
    from pefbench.heads.examples import RegressionExample

DECIMALS = 9
ROUNDING = 1e-2
"""The tolerance between two ways of computing the same number, in standard deviations of the scores."""


Scale = tuple[float, float, float, float]
"""The mean, standard deviation, minimum and maximum of the scores that are learned from."""


@dataclass(frozen=True)
class RegressionDataset:
    """Scored texts by split. scale: None: that of the training split."""

    splits: Mapping[str, Sequence[RegressionExample]]
    notes: Sequence[str] = field(default_factory=list)
    scale: Scale | None = None

    def known_from(self, examples: Sequence[RegressionExample]) -> RegressionDataset:
        """The data set with the scale of these training examples. Raises DataError if all their scores are equal."""
        return replace(self, scale=_scale(examples))

    def settled(self) -> RegressionDataset:
        """The data set with the training split's scale, unless it has one. Raises DataError as `known_from` does."""
        return self if self.scale else self.known_from(self.splits["train"])

    def head(self, model: PretrainedConfig) -> RegressionHead:
        """The regression head over the training examples' scores. Raises DataError if they are all equal."""
        mean, spread, lowest, highest = self.scale or _scale(self.splits["train"])
        return RegressionHead(
            mean=mean,
            spread=spread,
            bounds=(lowest, highest),
            segments=tells_segments(model),
            reads_end=bool(model.is_encoder_decoder),
        )


DATASET = RegressionDataset


def _scale(examples: Sequence[RegressionExample]) -> Scale:
    scores = np.asarray([example.score for example in examples])
    if not np.ptp(scores) > 0:
        raise DataError(f"every training text has the score {scores[0]:g}; at least two different scores are needed")
    return float(scores.mean()), float(scores.std()), float(scores.min()), float(scores.max())


class ScoreAnswers(Answers):
    """Scores. spread: the standard deviation of the scores that are learned from."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def references(self, examples: Sequence[RegressionExample]) -> list[float]:
        """Each text's own score."""
        return [example.score for example in examples]

    def correct(self, prediction: float, reference: float) -> bool:
        """Whether the rounded score equals the rounded right one."""
        return round(prediction) == round(reference)

    def same(self, before: float, after: float) -> bool:
        """Whether two scores are equal up to rounding."""
        return abs(before - after) <= ROUNDING * self.spread


class RegressionHead(TextHead):
    """A number for whole texts.

    mean, spread: the mean and standard deviation of the scores that are learned from. bounds: their minimum and
    maximum, to which answers are clipped. segments, reads_end: see `TextHead`.
    """

    def __init__(
        self,
        *,
        mean: float,
        spread: float,
        bounds: tuple[float, float],
        segments: bool = False,
        reads_end: bool = False,
    ) -> None:
        super().__init__(segments=segments, reads_end=reads_end)
        self.mean, self.spread, self.bounds = mean, spread, bounds
        self.answers = ScoreAnswers(spread)

    def config(self) -> HeadConfig:
        """One output."""
        return {"num_labels": 1}

    def targets(self, examples: Sequence[RegressionExample]) -> Array:
        """Standardised scores, (examples,), in fp32."""
        return np.asarray([(example.score - self.mean) / self.spread for example in examples], dtype=np.float32)

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Squared error of standardised scores; the model's logits have shape (batch, 1)."""
        from torch.nn.functional import mse_loss

        return mse_loss(self.outputs(model, batch)[:, 0], batch[TARGETS], reduction="sum")

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[float]:  # noqa: ARG002 - an answer needs the logits alone
        """Each text's score."""
        found = self.outputs(model, batch).detach().cpu().double()[:, 0].numpy() * self.spread + self.mean
        return [round(float(score), DECIMALS) for score in found.clip(*self.bounds)]
