"""A number for a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.export.heads import sequence

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.regression import RegressionHead
    from pefbench.inference.kind import Json


def settings(head: RegressionHead, tokenizer: PreTrainedTokenizerFast) -> Json:
    """The settings of texts, and the scale of the scores."""
    scale = {"mean": head.mean, "spread": head.spread, "lowest": head.bounds[0], "highest": head.bounds[1]}
    return {**sequence.settings(head, tokenizer), **scale}
