"""Which of several candidates fits a context."""

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
    """How a row is laid out, which end of a context is kept, and candidates that all questions have.

    Raises DataError for choices by likelihood.
    """
    if not isinstance(head, ChoiceHead):
        raise DataError("it compares how likely a decoder finds the candidates, which bundles do not; use --as merged")
    return {**laid_out(template(tokenizer)), "keep": head.keep, "candidates": [*head.candidates]}
