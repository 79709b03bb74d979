"""One label for a text with two marked spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads._pairs import added

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.marked import MarkedHead
    from pefbench.inference.kind import Json


INPUT = 'a text with <e1>...</e1> and <e2>...</e2>, or {"text": "...", "first": [0, 4], "second": [9, 14]} with --json'


def settings(head: MarkedHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """The labels, the tokens around a text, and its room."""
    before, after = added(tokenizer)
    return {
        "input": INPUT,
        "labels": head.labels,
        "before": before.tolist(),
        "after": after.tolist(),
        "room": max_length - len(before) - len(after),
    }


def traits(head: MarkedHead, tokenizer: PreTrainedTokenizerFast) -> list[str]:  # noqa: ARG001 - the head knows
    """Whether the states at the closing marks are read."""
    return ["causal"] if head.causal else []
