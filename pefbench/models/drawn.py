"""Weights of the backbone that a checkpoint lacks, and that are drawn at random in their place.

Whoever saved a BERT after pretraining it on masked tokens saved no pooler, and a head that reads one is given noise.
Trained, it becomes a part of the head. Frozen, it is other noise with each seed, and no adapter is saved with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

POOLER = "pooler"
PROBE = 8
"""Tokens of a text that only shows what the outputs depend on."""


def at_random(model: nn.Module, lacking: Iterable[str]) -> dict[str, nn.Parameter]:
    """Those of the weights that a checkpoint lacks that a method must train, by name; model: without a method.

    Biases and norms start from a constant, tables of sines are never trained, and some heads do not read the pooler.
    """
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    found = {name: weights[name] for name in lacking if name in weights and bool(weights[name].std(correction=0) > 0)}
    poolers = [name for name in found if POOLER in name.split(".")]
    unread = _unread(model, [found[name] for name in poolers]) if poolers else []
    return {name: weight for name, weight in found.items() if not any(weight is each for each in unread)}


def _unread(model: Any, weights: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Those of some weights that the model's outputs do not depend on."""
    ids = torch.zeros(1, PROBE, dtype=torch.long, device=weights[0].device)
    decoded = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    held_in_half = any(weight.dtype != torch.float32 for weight in model.parameters())
    with torch.enable_grad(), torch.autocast(ids.device.type, torch.bfloat16, enabled=held_in_half):
        outputs = model(input_ids=ids, attention_mask=torch.ones_like(ids), **decoded)
    gradients = torch.autograd.grad(outputs[0].sum(), weights, allow_unused=True)
    return [weight for weight, gradient in zip(weights, gradients, strict=True) if gradient is None]
