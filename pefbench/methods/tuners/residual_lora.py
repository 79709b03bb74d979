"""LoRA that starts as a part of the pretrained weight (PiSSA, OLoRA), saved and loaded without loss.

Such an init splits the pretrained weight W into the initial product of A and B and a frozen residual R, with s the
scaling:

    W = R + s B0 A0

PEFT saves only A and B, and splits W again on loading. Another machine's linear algebra splits it a little
differently, and a randomised SVD differently each time, so the loaded model is not the trained one. Here, the saved
adapter is the change made by training, which is a plain LoRA of twice the rank on W itself:

    R + s B A = W + s (B A - B0 A0) = W + s [B, -B0] [A; A0]

Every program that reads LoRA can use it. `fold` moves the second half back into the weight, so that a loaded model
computes, bit for bit, what the trained one computed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from peft.tuners import lora as peft_lora
from peft.utils import SAFETENSORS_WEIGHTS_NAME, transpose
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path

ADAPTER = "default"


class Start(NamedTuple):
    """The initial A (rank, in) and B (out, rank) of one layer."""

    a: Tensor
    b: Tensor


def remember(model: nn.Module) -> None:
    """Keep the initial A and B of a new model for `save`."""
    for layer in _layers(model).values():
        layer.start = Start(*(matrix.weight.detach().clone() for matrix in _matrices(layer)))


def save(model: nn.Module, to: Path) -> None:
    """Save as PEFT does, but as a plain LoRA of twice the rank; see the module's docstring."""
    saving: Any = model
    saving.save_pretrained(to)
    file = to / SAFETENSORS_WEIGHTS_NAME
    weights = load_file(file)
    for name, layer in _layers(model).items():
        a, b = f"{name}.lora_A.weight", f"{name}.lora_B.weight"
        weights[a] = torch.cat([weights[a], layer.start.a.to(weights[a].device)], dim=0)
        weights[b] = torch.cat([weights[b], -layer.start.b.to(weights[b].device)], dim=1)
    save_file(weights, file, metadata={"format": "pt"})
    config = copy.copy(saving.peft_config[ADAPTER])
    config.inference_mode = True
    config.init_lora_weights = True
    config.lora_alpha *= 2**0.5 if config.use_rslora else 2  # the scaling is alpha / rank, or alpha / sqrt(rank)
    config.r *= 2
    config.save_pretrained(to)


@torch.no_grad()
def fold(model: nn.Module, rank: int, alpha: float) -> None:
    """Undo what `save` did, in a loaded model; rank, alpha: as in training. Does nothing to a new model."""
    wrapped: Any = model
    config = wrapped.peft_config[ADAPTER]
    if config.r == rank:
        return
    config.r, config.lora_alpha = rank, alpha
    for layer in _layers(model).values():
        a, b = _matrices(layer)
        layer.start = Start(a.weight[rank:].clone(), -b.weight[:, rank:])
        layer.r[ADAPTER], layer.lora_alpha[ADAPTER] = rank, alpha
        layer.scaling[ADAPTER] = alpha / rank**0.5 if config.use_rslora else alpha / rank
        a.weight = nn.Parameter(a.weight[:rank].clone(), requires_grad=a.weight.requires_grad)
        b.weight = nn.Parameter(b.weight[:, :rank].contiguous(), requires_grad=b.weight.requires_grad)
        a.out_features = b.in_features = rank
        _take_out(layer)


def _take_out(layer: Any) -> None:
    """Subtract the initial product from the frozen weight, with the same operations as PEFT's inits."""
    base = layer.get_base_layer()
    weight = transpose(base.weight.data.to(torch.float32), layer.fan_in_fan_out)
    rest = weight - layer.scaling[ADAPTER] * layer.start.b @ layer.start.a
    base.weight.data = transpose(rest.to(base.weight.dtype), layer.fan_in_fan_out)


def _layers(model: nn.Module) -> dict[str, Any]:  # PEFT's layers are not typed
    return {name: module for name, module in model.named_modules() if isinstance(module, peft_lora.Linear)}


def _matrices(layer: Any) -> tuple[nn.Linear, nn.Linear]:
    return layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]
