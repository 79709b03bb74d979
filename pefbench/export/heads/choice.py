"""Choosing between candidates for a context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.export.heads._pairs import laid_out
from pefbench.heads._pairs import template
from pefbench.heads.choice import ChoiceHead

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._scoring import ScoringHead
    from pefbench.inference.kind import Json


def settings(head: ScoringHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """The layout of a row, and the candidates if all questions have the same.

    Raises DataError if the head chooses by likelihood.
    """
    if not isinstance(head, ChoiceHead):
        raise DataError("it compares a decoder's likelihoods of the candidates, which bundles cannot; use --as merged")
    given = '{"context": "..."}' if head.candidates else '{"context": "...", "candidates": ["...", "..."]}'
    laid = laid_out(template(tokenizer), max_length)
    return {"input": f"{given} with --json", "candidates": [*head.candidates], **laid}


def traits(head: ScoringHead, tokenizer: PreTrainedTokenizerFast) -> list[str]:  # noqa: ARG001 - the head knows
    """Which end of a context is kept if it is too long."""
    return [f"keep_{getattr(head, 'keep', 'end')}"]
