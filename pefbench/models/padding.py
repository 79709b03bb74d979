"""The padding token. Padding is masked, so its id usually does not matter, but some models count positions from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import SourceError
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast


def settle(tokenizer: PreTrainedTokenizerFast, config: PretrainedConfig, kind: type[Any], name: str) -> None:
    """Choose a padding token that the model has an embedding for and was pretrained with, in place.

    config: the model's own. kind: the model's class. Raises SourceError if there is none.
    """
    rows, own = getattr(config, "vocab_size", None), config.pad_token_id
    if not isinstance(rows, int):
        return
    embedded = isinstance(own, int) and 0 <= own < rows
    if embedded and own != tokenizer.pad_token_id and _counts_from(config, kind, name):
        _pad_with(own, tokenizer, name)
    padding, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    if not isinstance(padding, int) or padding < rows:
        return
    if embedded and (token := _token(own, tokenizer)) is not None:
        tokenizer.pad_token = token
    elif isinstance(end, int) and end < rows:
        tokenizer.pad_token = tokenizer.eos_token
    else:
        raise SourceError(
            f"{name}: the padding token {tokenizer.pad_token!r} has id {padding}, "
            f"but the model has {rows} embeddings; name another pad_token in tokenizer_config.json"
        )


def _counts_from(config: PretrainedConfig, kind: type[Any], name: str) -> bool:
    """Whether the positions of a text begin after the padding token's id, as in RoBERTa and its relatives."""
    damaged = reading(f"{name}: no {kind.__name__} can be made from its config.json")
    with torch.random.fork_rng(devices=[]), torch.device("meta"), damaged:
        skeleton = kind(config)
    return any(
        "position" in path.rpartition(".")[2] and getattr(module, "padding_idx", None) is not None
        for path, module in skeleton.named_modules()
    )


def _pad_with(number: int, tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    token = _token(number, tokenizer)
    if token is None:
        raise SourceError(
            f"{name}: its positions are counted from the padding token, which has id {number} in config.json, "
            f"and its tokenizer has {len(tokenizer)} tokens"
        )
    tokenizer.pad_token = token


def _token(number: int, tokenizer: PreTrainedTokenizerFast) -> str | None:
    token = tokenizer.convert_ids_to_tokens(number) if number < len(tokenizer) else None
    return token if isinstance(token, str) else None
