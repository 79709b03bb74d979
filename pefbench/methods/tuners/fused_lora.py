"""LoRA's linear layer as one autograd function: the same numbers as PEFT's, with fewer passes over memory.

PEFT computes W x, casts x to the adapter's precision, computes A x, B A x, scales, adds and casts back: five passes
over activations in the forward pass, and their reverses. Here the low-rank part is added into W x by the matrix
product itself, forwards and backwards. On small batches and on CPUs that is most of LoRA's overhead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.lora import layer as peft_lora
from torch import nn

from pefbench.models.cpu_kernels import product
from pefbench.models.patches import methods

if TYPE_CHECKING:
    from torch import Tensor


class LoraLinear(torch.autograd.Function):
    """y = x W' + b + s (x A') B', Hu et al. 2022 (arXiv:2106.09685), equation 3; only x, A and B get gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float) -> Tensor:
        """x (n, in), weight (out, in), bias (out), a (rank, in), b (out, rank), all of one dtype -> (n, out)."""
        down = product(x, a)
        y = product(x, weight, bias)
        y.addmm_(down, b.T, alpha=scale)
        ctx.save_for_backward(x, weight, a, b, down)
        ctx.scale = scale
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """grad (n, out) -> the gradients of x, a and b."""
        x, weight, a, b, down = ctx.saved_tensors
        up = product(grad, b.T).mul_(ctx.scale)
        grad_x = product(grad, weight.T).addmm_(up, a) if ctx.needs_input_grad[0] else None
        return grad_x, None, None, product(up.T, x.T), product(down.T, grad.T).mul_(ctx.scale).T, None


def fuse(model: nn.Module) -> int:
    """Make every plain LoRA layer of a PEFT model compute with `LoraLinear`; return their number.

    Plain: one adapter, no dropout, no variant such as DoRA, on a frozen `nn.Linear`. Other layers stay PEFT's.
    """
    layers = [module for module in model.modules() if isinstance(module, peft_lora.Linear) and _is_plain(module)]
    for layer in layers:
        methods.replace(layer, "forward", _forward)
    return len(layers)


def fused(model: nn.Module) -> list[nn.Module]:
    """The layers that compute with `LoraLinear`."""
    return [module for module in model.modules() if methods.is_replaced(module, "forward", _forward)]


def undo(model: nn.Module) -> None:
    """Make all layers compute as in PEFT."""
    for layer in fused(model):
        methods.restore(layer, "forward")


def _is_plain(layer: Any) -> bool:
    [*adapters] = layer.active_adapters
    base = layer.get_base_layer()
    return (
        len(adapters) == 1
        and adapters[0] in layer.lora_A
        and type(base) is nn.Linear  # subclasses may be quantised, as may a weight of another class
        and type(base.weight) is nn.Parameter
        and not base._forward_hooks  # such as a stacked adapter
        and not any(weight.requires_grad for weight in base.parameters())
        and isinstance(layer.lora_dropout[adapters[0]], nn.Identity)
        and adapters[0] not in layer.lora_variant
        and not layer.lora_bias[adapters[0]]
        and not layer.fan_in_fan_out
    )


def _forward(layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    if args or kwargs or layer.disable_adapters or layer.merged or len(layer.active_adapters) != 1:
        plain: Tensor = type(layer).forward(layer, x, *args, **kwargs)
        return plain
    [adapter] = layer.active_adapters
    base = layer.get_base_layer()
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    with torch.autocast(kind, enabled=False):
        y: Tensor = LoraLinear.apply(
            x.to(dtype).flatten(0, -2),
            base.weight.to(dtype),
            None if base.bias is None else base.bias.to(dtype),
            layer.lora_A[adapter].weight.to(dtype),
            layer.lora_B[adapter].weight.to(dtype),
            layer.scaling[adapter],
        )
    return y.view(*x.shape[:-1], y.shape[-1])
