"""The choice head for decoders without a trained head: it chooses the most likely candidate.

A candidate's score is its log-likelihood after the context, divided by its number of tokens, so that long candidates
are not at a disadvantage (Brown et al. 2020, arXiv:2005.14165, section 2.4). It may also be divided by the length of
the text, which does not depend on the tokenizer, as in lm-evaluation-harness: `acc_norm` by characters, `acc_bytes` by
bytes. As there, the white space before a candidate is always scored with it, whether or not the tokenizer merges it
with a word; it does not count as characters or bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from pefbench.errors import DataError, RecipeError
from pefbench.heads import IGNORED, TARGETS, Encoded
from pefbench.heads._language import causal_losses
from pefbench.heads._pairs import added, cut, end_token, tokens
from pefbench.heads._scoring import ChoiceAnswers, ScoringHead, of_rows, right_ones

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import HeadConfig
    from pefbench.heads._pairs import Array, End
    from pefbench.heads.examples import ChoiceExample


Per = Literal["token", "byte", "character"]


class LikelihoodHead(ScoringHead):
    """Candidates scored by their mean log-likelihood per token, per byte of UTF-8, or per character.

    per: the unit. keep: which end of a context is kept if it is too long. separator: put between context and candidate.
    last_logits: see `pefbench.heads._language.causal_losses`.
    """

    auto_class = "AutoModelForCausalLM"
    task_type = "CAUSAL_LM"

    def __init__(
        self, *, keep: End = "end", separator: str = " ", last_logits: bool = False, per: Per = "token"
    ) -> None:
        self.keep, self.separator, self.last_logits, self.per = keep, separator, last_logits, per
        self.answers = ChoiceAnswers(f"likelihood:per-{per}|space:scored")

    def config(self) -> HeadConfig:
        """No entries: the head is the model's own."""
        return {}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[ChoiceExample], max_length: int) -> Encoded:
        """Tokenise context and candidate as one text. The context is truncated first; at least one token precedes.

        Raises RecipeError if the length leaves no room, DataError for a candidate without a token.
        """
        before = added(tokenizer)[0]
        before = before if len(before) else np.asarray([end_token(tokenizer)], dtype=np.int64)
        room = max_length - len(before)
        if room < 1:
            raise RecipeError(f"train.max_length: {max_length} leaves no room beside {len(before)} special tokens")
        texts = [(example.context, candidate) for example in examples for candidate in example.candidates]
        whole = tokens(tokenizer, [self.separator.join(text) for text in texts])
        for text, (context, candidate) in zip(whole, texts, strict=True):
            if not _after(text.offsets, len(context + self.separator)):
                raise DataError(f"the candidate {candidate!r} has no tokens, and so no likelihood")
        lengths = np.asarray(
            [_after(text.offsets, len(context.rstrip())) for text, (context, _) in zip(whole, texts, strict=True)]
        )
        rows = [
            np.concatenate([before, self._cut(text.ids, int(length), room)])
            for text, length in zip(whole, lengths, strict=True)
        ]
        return of_rows(
            examples,
            {"input_ids": rows},
            {"input_ids": tokenizer.pad_token_id},
            np.stack([right_ones(examples), np.minimum(lengths, room), *self._lengths(texts)], axis=1),
            truncated=np.asarray([len(text.ids) for text in whole]) > room,
        )

    def _lengths(self, texts: Sequence[tuple[str, str]]) -> list[Array]:
        """A column with the length of each candidate's text, without the separator, if scores are divided by it."""
        if self.per == "token":
            return []
        lengths = [len(candidate.encode() if self.per == "byte" else candidate) for _, candidate in texts]
        return [np.asarray(lengths, dtype=np.int64)]

    def _cut(self, ids: Array, candidate: int, room: int) -> Array:
        """A row's tokens without special ones: the last `candidate` tokens are the candidate's."""
        context = len(ids) - candidate
        kept = cut(ids[:context], max(0, room - candidate), self.keep)
        return np.concatenate([kept, ids[context:][:room]])

    def marks(self, encoded: Encoded, row: int) -> list[str]:
        """The tokens whose likelihood is the score: the candidate's, and the white space before it."""
        marks = super().marks(encoded, row)
        right, length = encoded.fixed[TARGETS][row].tolist()[:2]
        return [*marks[: len(marks) - length], *["right candidate" if right else "candidate"] * length]

    def scores(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The log-likelihood of each row's candidate, divided by the candidate's tokens, bytes or characters."""
        import torch

        ids, lengths = batch["input_ids"], batch[TARGETS][:, 1]
        ends = batch["attention_mask"].sum(1)[:, None]
        places = torch.arange(ids.shape[1], device=ids.device)
        candidate = (places >= ends - lengths[:, None]) & (places < ends)
        labels = ids.masked_fill(~candidate, IGNORED)
        losses, row = causal_losses(model, batch, labels, last_logits=self.last_logits)
        return -losses.new_zeros(len(ids)).index_add(0, row, losses) / batch[TARGETS][:, -1]

    def right(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The first column of the targets; the second is the candidate's tokens, the third its text's length."""
        return batch[TARGETS][:, 0]


def _after(offsets: Array, end: int) -> int:
    """The number of tokens that extend beyond `end`: a space may belong to the word that follows it."""
    return int((offsets[:, 1] > end).sum())
