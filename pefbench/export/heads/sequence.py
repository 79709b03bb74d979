"""One label for a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads._pairs import end_token, ids
from pefbench.heads._texts import is_joined

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.head import Head
    from pefbench.inference.kind import Json


def settings(head: Head, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:  # noqa: ARG001 - see `tokenizer`
    """The labels, the token that is removed from texts, and the separator of a pair."""
    return {
        "input": 'a text, or {"text": "...", "pair": "..."} with --json',
        "labels": list(head.labels),
        "end": end_token(tokenizer),
        "before_pair": "\n" if is_joined(tokenizer) else "",
    }


def traits(head: Head, tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Whether the outputs of all tokens are averaged, and whether a text may have an end token, or no token."""
    mean = head.auto_class == "AutoModelForTokenClassification"
    return [*(["mean"] if mean else []), *(["ends"] if _may_have_ends(tokenizer) else [])]


def _may_have_ends(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether the tokenizer reads an end token that a text spells out as one, or adds no tokens to an empty text."""
    end = end_token(tokenizer)
    written = str(tokenizer.convert_ids_to_tokens(end))
    texts = [form.format(written) for form in ("{}", "a {} b", "a{}b", "{0}{0}")]
    return not tokenizer.num_special_tokens_to_add() or any(end in found for found in ids(tokenizer, texts))
