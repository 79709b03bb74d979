"""The padding token. What is padded is masked, whatever it is; but some models count positions from its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import SourceError
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast


def settle(tokenizer: PreTrainedTokenizerFast, config: PretrainedConfig, kind: type[Any], name: str) -> None:
    """Choose a padding token that the model has an embedding for and was pretrained with, in place.

    config: the model's own. kind: the model's class. Raises SourceError where there is none.
    """
    rows, own = getattr(config, "vocab_size", None), config.pad_token_id
    if not isinstance(rows, int):
        return
    differs = isinstance(own, int) and 0 <= own < rows and own != tokenizer.pad_token_id
    if differs and _counts_from(config, kind, name):
        _pad_with(own, tokenizer, name)
    padding, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    if not isinstance(padding, int) or padding < rows:
        return
    if not isinstance(end, int) or end >= rows:
        raise SourceError(
            f"{name}: the padding token {tokenizer.pad_token!r} is number {padding}, "
            f"and the model has {rows} embeddings"
        )
    tokenizer.pad_token = tokenizer.eos_token


def _counts_from(config: PretrainedConfig, kind: type[Any], name: str) -> bool:
    """Whether the positions of a text begin behind the padding token's number, as in RoBERTa and its relatives."""
    damaged = reading(f"{name}: no {kind.__name__} can be made of its config.json")
    with torch.random.fork_rng(devices=[]), torch.device("meta"), damaged:
        skeleton = kind(config)
    return any(
        "position" in path.rpartition(".")[2] and getattr(module, "padding_idx", None) is not None
        for path, module in skeleton.named_modules()
    )


def _pad_with(number: int, tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    token = tokenizer.convert_ids_to_tokens(number) if number < len(tokenizer) else None
    if not isinstance(token, str):
        raise SourceError(
            f"{name}: its positions are counted from the padding token, which is number {number} in config.json, "
            f"and its tokenizer has {len(tokenizer)} tokens"
        )
    tokenizer.pad_token = token
