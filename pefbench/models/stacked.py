"""A trained LoRA that stays frozen under a new method: it is added to the outputs of its linear layers.

y = W x + b + s B (A x), Hu et al. 2022 (arXiv:2106.09685), equation 3. Merging computes the same, but is impossible in
quantised weights. The layer keeps its class and name, and each method wraps it like any other. A method that reads a
layer's weight instead of calling the layer would bypass the adapter: see `check_called`.
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
MAGNITUDE = "lora_magnitude_vector"
"""The attribute of PEFT's LoRA layers for DoRA's norms by adapter, empty without DoRA."""


def keep(wrapped: Any, name: str) -> nn.Module:
    """The model inside PEFT's LoRA wrapper; the LoRA is frozen in the model's layers.

    Raises SourceError if the adapter is not plain LoRA on linear layers. name: the adapter's name in messages.
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
    """The layers of a model that contain a stacked adapter."""
    return [module for module in model.modules() if A in module._buffers]


def check_called(model: nn.Module, what: str, run: Callable[[], object]) -> None:
    """Raise MethodError if `run`, which computes with the model, does not call every layer with a stacked adapter.

    DoRA calls the layers, but divides their outputs by the norms of weights that lack the adapter.
    """
    waiting = layers(model)
    normed = {id(linear_layers.unwrapped(each)) for each in model.modules() if getattr(each, MAGNITUDE, None)}
    called: set[int] = set()
    hooks = [layer.register_forward_hook(lambda module, *_: called.add(id(module))) for layer in waiting]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    past = sum(id(layer) not in called - normed for layer in waiting)
    if past:
        raise MethodError(
            f"{what} reads the weights of {past} of {len(waiting)} layers directly, without "
            f"the adapter stacked in them; set model.adapter_mode to merge"
        )


def _add(layer: nn.Module, a: Tensor, b: Tensor) -> None:
    """Add an adapter to a layer; several adapters form one whose rank is the sum of theirs."""
    if A in layer._buffers:
        a, b = torch.cat([cast("Tensor", layer.stacked_a), a]), torch.cat([cast("Tensor", layer.stacked_b), b], dim=1)
    else:
        layer.register_forward_hook(_with_adapter)
    layer.register_buffer(A, a, persistent=False)
    layer.register_buffer(B, b, persistent=False)


def _with_adapter(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """The layer's output, plus the adapter's."""
    x = inputs[0].to(layer.stacked_a.dtype)
    added = functional.linear(functional.linear(x, layer.stacked_a), layer.stacked_b)
    return output + added.to(output.dtype)
