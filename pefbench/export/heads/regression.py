"""A number for a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.export.heads import sequence
from pefbench.export.heads.sequence import traits

__all__ = ["settings", "traits"]

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.regression import RegressionHead
    from pefbench.inference.kind import Json


def settings(head: RegressionHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """The settings of texts, and the scale of the scores."""
    scale = {"mean": head.mean, "spread": head.spread, "range": [*head.bounds]}
    return {**sequence.settings(head, tokenizer, max_length), **scale}
