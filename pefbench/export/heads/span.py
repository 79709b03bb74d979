"""The answer to a question in a context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.export.heads._pairs import laid_out
from pefbench.heads._pairs import template
from pefbench.heads._windows import with_null

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.span import SpanHead
    from pefbench.inference.kind import Json


def settings(head: SpanHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """The layout of a row, and the limits of answers."""
    around, null = with_null(template(tokenizer), tokenizer)
    return {
        "input": '{"question": "...", "context": "..."} with --json',
        **laid_out(around, max_length),
        "null": null,
        "overlap": max_length // 3 if head.overlap is None else head.overlap,
        "max_answer_length": head.max_answer_length,
        "no_answers": head.no_answers,
    }


def traits(head: SpanHead, tokenizer: PreTrainedTokenizerFast) -> list[str]:  # noqa: ARG001 - for all the same
    """None."""
    return []
