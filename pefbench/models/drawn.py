"""Weights of the backbone that a checkpoint lacks, and that are therefore randomly initialised.

A BERT that was saved after masked language modelling has no pooler, so a head that reads it gets noise. If trained, the
pooler becomes a part of the head. If frozen, it differs with each seed, and is not saved with an adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

POOLER = "pooler"
PROBE = 8
"""The length in tokens of a text that only shows what the outputs depend on."""


def at_random(model: nn.Module, lacking: Iterable[str]) -> dict[str, nn.Parameter]:
    """Of the weights that a checkpoint lacks, those that a method must train, by name; model: without a method.

    Biases and norms start from a constant, sinusoidal tables are never trained, and some heads do not read the pooler.
    """
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    found = {name: weights[name] for name in lacking if name in weights and bool(weights[name].std(correction=0) > 0)}
    poolers = [name for name in found if POOLER in name.split(".")]
    unread = _unread(model, [found[name] for name in poolers]) if poolers else []
    return {name: weight for name, weight in found.items() if not any(weight is each for each in unread)}


def _unread(model: Any, weights: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """The weights among these that the model's outputs do not depend on."""
    ids = torch.zeros(1, PROBE, dtype=torch.long, device=weights[0].device)
    decoded = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    held_in_half = any(weight.dtype != torch.float32 for weight in model.parameters())
    with torch.enable_grad(), torch.autocast(ids.device.type, torch.bfloat16, enabled=held_in_half):
        outputs = model(input_ids=ids, attention_mask=torch.ones_like(ids), **decoded)
    gradients = torch.autograd.grad(outputs[0].sum(), weights, allow_unused=True)
    return [weight for weight, gradient in zip(weights, gradients, strict=True) if gradient is None]
