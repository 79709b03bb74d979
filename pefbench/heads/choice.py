"""The choice head: which of several candidates fits a context, as in reply selection, commonsense and recommendation.

Each candidate is a row: the context and the candidate. A row gets one score, and the loss is the cross-entropy over the
scores of an example's rows (Radford et al. 2018, section 3.3; Zellers et al. 2018, arXiv:1808.05326).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pefbench.heads import TARGETS, Encoded
from pefbench.heads._language import is_decoder, offers_last_logits
from pefbench.heads._pairs import SEGMENTS, cut, fitting, ids, tells_segments, template
from pefbench.heads._pooling import RowHead
from pefbench.heads._scoring import ScoringHead, of_rows, right_ones
from pefbench.heads.dataset import Fixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import HeadConfig
    from pefbench.heads._pairs import Array, End
    from pefbench.heads.examples import ChoiceExample
    from pefbench.heads.likelihood import Per


@dataclass(frozen=True)
class ChoiceDataset(Fixed):
    """Choices by split.

    keep: which end of a context is kept if it is too long. likelihood: decoders compare the likelihoods of the
    candidates instead of getting a head; other models always get a head. per: the unit by which log-likelihoods are
    divided. candidates: the candidates, if all examples have the same.
    """

    splits: Mapping[str, Sequence[ChoiceExample]]
    notes: Sequence[str] = field(default_factory=list)
    keep: End = "end"
    likelihood: bool = False
    per: Per = "token"
    candidates: Sequence[str] = ()

    def head(self, model: PretrainedConfig) -> ScoringHead:
        """The choice head for this kind of model."""
        found = self._head(model)
        found.candidates = tuple(self.candidates)
        return found

    def _head(self, model: PretrainedConfig) -> ScoringHead:
        if self.likelihood and is_decoder(model):
            from pefbench.heads.likelihood import LikelihoodHead

            return LikelihoodHead(keep=self.keep, last_logits=offers_last_logits(model), per=self.per)
        return ChoiceHead(keep=self.keep, segments=tells_segments(model))


DATASET = ChoiceDataset


class ChoiceHead(RowHead, ScoringHead):
    """Candidates scored by a sequence head with one output, which every architecture with a sequence head supports.

    It is equivalent to BERT's own multiple-choice head. keep: which end of a context is kept if it is too long.
    segments: the model distinguishes context and candidate by `token_type_ids`.
    """

    def __init__(self, *, keep: End = "end", segments: bool = False) -> None:
        self.keep, self.segments = keep, segments

    def config(self) -> HeadConfig:
        """One output: the score of a row."""
        return {"num_labels": 1}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[ChoiceExample], max_length: int) -> Encoded:
        """Put each candidate after its context. If a row is too long, neither is truncated below half of it.

        Raises RecipeError if the length leaves no room for two texts.
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
        """A row's two texts, truncated to at most `room` tokens together."""
        kept = cut(context, fitting(len(context), len(candidate), room), self.keep)
        return kept, candidate[: room - len(kept)]

    def scores(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The head's only output."""
        return self.outputs(model, batch)[:, 0]

    def right(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The targets, unchanged."""
        return batch[TARGETS]
