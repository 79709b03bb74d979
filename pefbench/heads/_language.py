"""Language models' own heads: which models have one, and the loss of labelled tokens."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from pefbench.heads import IGNORED, forward

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn
    from transformers import PretrainedConfig


def is_decoder(config: PretrainedConfig) -> bool:
    """Whether a model reads from left to right and has a language model's head.

    In transformers, encoders such as BERT have such a head, too, but they also see later tokens unless their config
    says `is_decoder`.
    """
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    if getattr(config, "attn_type", None) == "bi":  # XLNet sees the whole text unless it gets an order
        return False
    if config.is_encoder_decoder or type(config) not in AutoModelForCausalLM._model_mapping:
        return False
    return type(config) not in AutoModelForMaskedLM._model_mapping or bool(getattr(config, "is_decoder", False))


def offers_last_logits(config: PretrainedConfig) -> bool:
    """Whether a decoder can compute only the logits of its last positions; those of the prompt cost memory."""
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM._model_mapping[type(config)]
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def causal_losses(
    model: nn.Module, batch: Mapping[str, Tensor], labels: Tensor, *, last_logits: bool
) -> tuple[Tensor, Tensor]:
    """The cross-entropy of each labelled token given those before it, in fp32, and its row: (targets,) each.

    labels: (rows, length), with IGNORED for tokens without a target. Only the labelled tokens' logits are converted to
    fp32. With `last_logits`, only those from the first labelled column on are computed.
    """
    from torch.nn.functional import cross_entropy

    row, column = (labels[:, 1:] != IGNORED).nonzero(as_tuple=True)
    first = int(column.min()) if len(column) else 0
    kept = labels.shape[1] - first
    options = {"logits_to_keep": kept} if last_logits else {}
    # Counted from the right because the left may contain virtual tokens.
    logits = forward(model, batch, use_cache=False, **options).logits[:, -kept:]
    losses = cross_entropy(logits[row, column - first].float(), labels[row, column + 1], reduction="none")
    return losses, row
