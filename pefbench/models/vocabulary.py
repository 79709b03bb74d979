"""Tokens that a model cannot distinguish, or has no embedding for, measured on the data before training."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pefbench.errors import DataError
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    Array = np.ndarray[Any, Any]

IDS = ("input_ids", "decoder_input_ids")
"""Features that the model's token table embeds."""
TYPES = "token_type_ids"
SIZES = ("vocab_size", "decoder_vocab_size")
"""Fields of a config that `grow` changes: the second is Marian's."""
WARN, REFUSE = 0.01, 0.5
"""Shares of unknown tokens in a split."""


class TokenisedSplit(Protocol):
    """What must be known of a tokenised split; `heads.Encoded` satisfies this."""

    features: dict[str, list[Array]]
    """Name of a feature -> one integer array per row."""


def doubts(
    splits: Mapping[str, TokenisedSplit],
    tokenizer: PreTrainedTokenizerFast,
    embeddings: int,
    token_types: int | None = None,
) -> list[str]:
    """Warnings about unknown tokens, split by split.

    embeddings, token_types: rows of the model's tables; None: it has no table of types. Raises DataError for a token or
    a type without an embedding, and for a split in which at least half of the tokens are unknown.
    """
    found = []
    for split, encoded in splits.items():
        for feature in IDS:
            if rows := encoded.features.get(feature):
                _check_embedded(np.concatenate(rows), tokenizer, embeddings, split)
        if token_types is not None and (rows := encoded.features.get(TYPES)):
            _check_types(int(np.concatenate(rows).max(initial=0)), token_types, split)
        share = unknown_share(encoded.features["input_ids"], tokenizer)
        note = f"{share:.1%} of the {split} split's tokens are unknown to the model's tokenizer ({tokenizer.unk_token})"
        if share >= REFUSE:
            raise DataError(f"{note}; the tokenizer was not made for these texts, or not for this model")
        if share >= WARN:
            found.append(note)
    return found


def rows_to_add(tokenizer: PreTrainedTokenizerFast, embeddings: int) -> int:
    """The number of the tokenizer's tokens without a row in a table of `embeddings` rows: the highest ids."""
    return max(0, 1 + max(tokenizer.get_vocab().values()) - embeddings)


def can_grow(config: PretrainedConfig) -> bool:
    """Whether transformers can resize the model's embeddings; it cannot for an encoder-decoder made of two models."""
    return bool(config.model_type != "encoder-decoder")


def grow(model: Any, rows: int, name: str) -> None:
    """Add rows to the token embeddings and the output embeddings; in place.

    The rows are drawn from a normal distribution with the mean and covariance of the existing ones (Hewitt 2021,
    "Initializing New Word Embeddings for Pretrained Language Models"). Raises DataError.
    """
    with reading(f"{name}: its embeddings cannot be resized", DataError):
        model.resize_token_embeddings(len(model.get_input_embeddings().weight) + rows, mean_resizing=True)


def sized_like(config: PretrainedConfig, other: PretrainedConfig) -> PretrainedConfig:
    """A copy of a config, with the vocabulary sizes of another one."""
    found = copy.deepcopy(config)
    for key in SIZES:
        if hasattr(other, key):
            setattr(found, key, getattr(other, key))
    return found


def unknown_share(rows: Sequence[Array], tokenizer: PreTrainedTokenizerFast) -> float:
    """The share of unknown tokens among the tokens of text; 0 for a tokenizer without an unknown token."""
    unknown = tokenizer.unk_token_id
    others = {tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.cls_token_id}
    if unknown is None or unknown in others or not len(rows):
        return 0.0
    ids = np.concatenate(list(rows))
    special = set(tokenizer.all_special_ids) - {unknown}
    texts = int((~np.isin(ids, list(special))).sum())
    return int((ids == unknown).sum()) / max(1, texts)


def _check_types(highest: int, token_types: int, split: str) -> None:
    if highest >= token_types:
        raise DataError(
            f"{split} split: the tokenizer uses token types 0 to {highest}, but the model has {token_types} "
            f"(type_vocab_size); they do not belong together"
        )


def _check_embedded(ids: Array, tokenizer: PreTrainedTokenizerFast, embeddings: int, split: str) -> None:
    if not ids.size or (highest := int(ids.max())) < embeddings:
        return
    raise DataError(
        f"{split} split: the token {tokenizer.convert_ids_to_tokens(highest)!r} has id {highest}, but the model "
        f"has {embeddings} embeddings for the {len(tokenizer)} tokens of its tokenizer; method full adds and trains "
        f"embeddings (except in a warm-started pair); else remove the token from the tokenizer"
    )
