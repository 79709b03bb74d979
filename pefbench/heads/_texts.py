"""Whole texts, or pairs of texts, as rows of the sequence head.

The model gets every text, even an empty one. The head is the architecture's own: encoders read the first token's state
(or a mean), decoders the last token's, encoder-decoders that of the end token; or see `_pooling`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pefbench.errors import SourceError
from pefbench.heads import TARGETS, Encoded
from pefbench.heads._pairs import SEGMENTS, end_token
from pefbench.heads._pooling import RowHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._pairs import Array


class TextHead(RowHead):
    """One row per text, one target per row.

    segments: the model distinguishes the two texts of a pair by `token_type_ids`. reads_end: its head reads the state
    of the end token (BART, T5), so all rows need the same number of end tokens, at least one.
    """

    needs_alignment = False

    def __init__(self, *, segments: bool = False, reads_end: bool = False) -> None:
        self.segments, self.reads_end = segments, reads_end

    def pooled(self) -> Self:
        """The same head, linear on the mean of all tokens' states."""
        changed = super().pooled()
        changed.reads_end = False
        return changed

    @abstractmethod
    def targets(self, examples: Sequence[Any]) -> Array:
        """The values that the loss compares with, (examples,)."""

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any], max_length: int) -> Encoded:
        """Tokenise texts or pairs; of a pair, the longer text is cut first. Raises SourceError, see `reads_end`."""
        paired = any(example.pair is not None for example in examples)
        texts = [example.text for example in examples]
        encodings = encoded_texts(tokenizer, texts, _pairs(tokenizer, examples) if paired else None, max_length)
        end = end_token(tokenizer)
        rows = [_row(encoding, end) for encoding in encodings]
        if self.reads_end and (end == tokenizer.pad_token_id or any(ids[-1] != end for ids, _ in rows)):
            raise SourceError("the model's head reads the end token; its tokenizer adds none, or pads with it")
        features = {"input_ids": [ids for ids, _ in rows]}
        padding = {"input_ids": tokenizer.pad_token_id}
        if self.segments and paired:
            features[SEGMENTS] = [segments for _, segments in rows]
            padding[SEGMENTS] = tokenizer.pad_token_type_id
        return Encoded(
            features=features,
            fixed={TARGETS: self.targets(examples)},
            targets=np.ones(len(examples), dtype=np.int64),
            decoding=[None] * len(examples),
            cut=[bool(encoding.overflowing) for encoding in encodings],
            padding=padding,
        )


@dataclass(frozen=True)
class _Encoding:
    """The encoding of one row by a slow (pure Python) tokenizer, with the attributes of a fast tokenizer's."""

    ids: list[int]
    type_ids: list[int]
    special_tokens_mask: list[int]
    overflowing: bool


def encoded_texts(
    tokenizer: PreTrainedTokenizerFast, texts: list[str], pairs: list[str] | None, max_length: int
) -> Sequence[Any]:
    """Each row's ids, type_ids and special_tokens_mask, and whether it has an overflowing part."""

    def encode(**options: Any) -> Any:
        # Special tokens spelled out in a text are read as text.
        return tokenizer(texts, pairs, padding=False, split_special_tokens=True, **options)

    cut: Any = {"truncation": "longest_first", "max_length": max_length}
    if tokenizer.is_fast:
        found: Sequence[Any] = encode(**cut).encodings
        return found
    whole = encode(return_attention_mask=False, verbose=False)["input_ids"]
    batch = encode(return_token_type_ids=True, return_special_tokens_mask=True, **cut)
    columns = [batch[name] for name in ("input_ids", SEGMENTS, "special_tokens_mask")]
    return [
        _Encoding(ids, types, special, overflowing=len(uncut) > len(ids))
        for ids, types, special, uncut in zip(*columns, whole, strict=True)
    ]


def _pairs(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any]) -> list[str]:
    """The second texts; empty if there is none.

    A line break separates them from the first if the tokenizer puts nothing between them (GPT-2, Qwen2).
    """
    before = "\n" if is_joined(tokenizer) else ""
    return [before + (example.pair or "") for example in examples]


def is_joined(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether a tokenizer puts nothing between two texts."""
    return tokenizer.num_special_tokens_to_add(pair=True) <= tokenizer.num_special_tokens_to_add(pair=False)


def _row(encoding: Any, end: int) -> Array:
    """The ids and the segments of a row's tokens, shape (2, tokens).

    End tokens inside a text are dropped because heads would take them for the row's end: unigram tokenizers such as
    T5's read them even if they are spelled out. A row without tokens, which no model accepts, becomes one end token.
    """
    tokens = np.asarray([encoding.ids, encoding.type_ids], dtype=np.int64)
    added = np.asarray(encoding.special_tokens_mask, dtype=bool)
    tokens = tokens[:, added | (tokens[0] != end)]
    return tokens if tokens.size else np.asarray([[end], [0]], dtype=np.int64)
