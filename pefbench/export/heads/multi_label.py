"""Any number of labels for a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.export.heads import sequence

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.multi_label import MultiLabelHead
    from pefbench.inference.kind import Json


def settings(head: MultiLabelHead, tokenizer: PreTrainedTokenizerFast) -> Json:
    """The settings of texts, and each label's threshold."""
    return {**sequence.settings(head, tokenizer), "thresholds": dict(head.answers.thresholds)}
