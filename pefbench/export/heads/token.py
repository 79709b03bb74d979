"""A tag for each word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads.token import OUTSIDE, space_before
from pefbench.sources.offsets import WORD

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.token import TokenHead
    from pefbench.inference.kind import Json


def settings(head: TokenHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """The labels, what a word is and what goes before it, and how many tokens of words a window has."""
    return {
        "input": 'a text, or {"tokens": ["...", "..."]} with --json',
        "labels": head.labels,
        "word": WORD.pattern,
        "space": space_before(tokenizer),
        "room": max_length - tokenizer.num_special_tokens_to_add(),
    }


def traits(head: TokenHead, tokenizer: PreTrainedTokenizerFast) -> list[str]:  # noqa: ARG001 - the labels are known
    """Whether the tags mark entities."""
    marks = all(label == OUTSIDE or label.startswith(("B-", "I-")) for label in head.labels)
    return ["entities" if marks else "words"]
