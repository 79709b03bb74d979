"""One label for a text with two marked spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads._pairs import added

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.marked import MarkedHead
    from pefbench.inference.kind import Json


def settings(head: MarkedHead, tokenizer: PreTrainedTokenizerFast) -> Json:
    """The tokens around a text, and whether the states at the closing marks are used."""
    before, after = added(tokenizer)
    return {"before": before.tolist(), "after": after.tolist(), "causal": head.causal}
