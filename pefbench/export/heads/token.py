"""A tag for each word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads.token import space_before

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.token import TokenHead
    from pefbench.inference.kind import Json


def settings(head: TokenHead, tokenizer: PreTrainedTokenizerFast) -> Json:  # noqa: ARG001 - the labels are known
    """The text that goes before each word, and the number of tokens added around a text."""
    return {"space": space_before(tokenizer), "added": tokenizer.num_special_tokens_to_add()}
