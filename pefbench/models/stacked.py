"""A trained LoRA that stays under a new method: frozen, added to what its linear layers compute.

y = W x + b + s B (A x), Hu et al. 2022 (arXiv:2106.09685), equation 3. Merging computes the same, but cannot be done in
weights of few bits. The layer stays the layer that it was, of its own class and name, and each method wraps it as any
other. A method that reads a layer's weight instead of calling the layer would pass the adapter by: see `check_called`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional

from pefbench.errors import MethodError, SourceError
from pefbench.models import linear_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

A, B = "stacked_a", "stacked_b"
"""Buffers of a layer: (rank, in) and (out, rank), the second scaled. Not saved with the model: the adapter is."""


def keep(wrapped: Any, name: str) -> nn.Module:
    """The model that PEFT wrapped by a LoRA, without the wrapper; the LoRA is frozen in its layers.

    Raises SourceError for an adapter that is not plain LoRA on linear layers. `name`: what messages call it.
    """
    found: dict[str, tuple[Tensor, Tensor]] = {}
    base = wrapped.get_base_model()
    for path, layer in base.named_modules():
        if not hasattr(layer, "lora_A"):
            continue
        [adapter] = layer.active_adapters
        if layer.lora_variant or adapter not in layer.lora_A or layer.lora_bias[adapter]:
            raise SourceError(f"{name}: {path} is not plain LoRA on a linear layer, and cannot be stacked; merge it")
        linear_layers.features(layer)
        scaled = layer.lora_B[adapter].weight.detach() * layer.scaling[adapter]
        found[path] = (layer.lora_A[adapter].weight.detach().clone(), scaled)
    unwrapped: nn.Module = wrapped.unload()
    for path, (a, b) in found.items():
        _add(unwrapped.get_submodule(path), a, b)
    return unwrapped


def layers(model: nn.Module) -> list[nn.Module]:
    """The layers of a model that have an adapter in them."""
    return [module for module in model.modules() if A in module._buffers]


def check_called(model: nn.Module, what: str, run: Callable[[], object]) -> None:
    """Raise MethodError where `run`, which computes with the model, does not call each layer with an adapter in it."""
    waiting = layers(model)
    called: set[int] = set()
    hooks = [layer.register_forward_hook(lambda module, *_: called.add(id(module))) for layer in waiting]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    if len(called) < len(waiting):
        raise MethodError(
            f"{what} reads the weights of {len(waiting) - len(called)} of {len(waiting)} layers directly, without "
            f"the adapter stacked in them; set model.adapter_mode to merge"
        )


def _add(layer: nn.Module, a: Tensor, b: Tensor) -> None:
    """Put one more adapter into a layer; several are one of the sum of their ranks."""
    if A in layer._buffers:
        a, b = torch.cat([cast("Tensor", layer.stacked_a), a]), torch.cat([cast("Tensor", layer.stacked_b), b], dim=1)
    else:
        layer.register_forward_hook(_with_adapter)
    layer.register_buffer(A, a, persistent=False)
    layer.register_buffer(B, b, persistent=False)


def _with_adapter(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """What the layer computes, with what its adapter adds."""
    x = inputs[0].to(layer.stacked_a.dtype)
    added = functional.linear(functional.linear(x, layer.stacked_a), layer.stacked_b)
    return output + added.to(output.dtype)
