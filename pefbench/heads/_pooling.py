"""Heads on whole rows. They read the state that the architecture's own head reads, or the mean of all states.

Sentence embedding models are made for the mean (Reimers and Gurevych 2019, arXiv:1908.10084, section 3). A linear layer
applied to the mean of all states equals the mean of the layer applied to each. The head is therefore the architecture's
own token head, and its outputs are averaged over the tokens of a row.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Self

from pefbench.heads import Head, forward

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn


class RowHead(Head):
    """A head with a few outputs for each row."""

    auto_class = "AutoModelForSequenceClassification"
    task_type = "SEQ_CLS"

    def pooled(self) -> Self:
        """The same head, linear on the mean of all tokens' states."""
        changed = copy(self)
        changed.auto_class, changed.task_type = "AutoModelForTokenClassification", "TOKEN_CLS"
        return changed

    def outputs(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The head's outputs for each row, (rows, outputs), in fp32."""
        logits: Tensor = forward(model, batch).logits.float()
        if logits.ndim == 2:
            return logits
        seen = batch["attention_mask"][:, :, None]
        return (logits * seen).sum(1) / seen.sum(1)
