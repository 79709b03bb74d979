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


def settings(head: ScoringHead, tokenizer: PreTrainedTokenizerFast) -> Json:
    """The layout of a row, which end of a context is kept, and the candidates if all questions have the same.

    Raises DataError if the head chooses by likelihood.
    """
    if not isinstance(head, ChoiceHead):
        raise DataError("it compares a decoder's likelihoods of the candidates, which bundles cannot; use --as merged")
    return {**laid_out(template(tokenizer)), "keep": head.keep, "candidates": [*head.candidates]}
