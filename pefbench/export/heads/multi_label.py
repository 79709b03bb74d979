"""Any number of labels for a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.export.heads import sequence
from pefbench.export.heads.sequence import traits

__all__ = ["settings", "traits"]

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.multi_label import MultiLabelHead
    from pefbench.inference.kind import Json


def settings(head: MultiLabelHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """The settings of texts, and each label's threshold."""
    return {**sequence.settings(head, tokenizer, max_length), "thresholds": dict(head.answers.thresholds)}
