"""The linear layers of a model: how to recognise them, their sizes, and all of them by name.

Names are full dotted names as in ``model.named_modules()``. They do not change when PEFT wraps a linear layer: the
wrapper keeps the name and counts as the linear layer that it wraps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from torch import nn
from transformers.pytorch_utils import Conv1D

from pefbench.errors import MethodError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Linear:
    """One linear layer: its full name and its sizes."""

    name: str
    reads: int
    writes: int


def features(module: nn.Module) -> tuple[int, int]:
    """The input and output size of a linear layer, wrapped by PEFT or not.

    Raises MethodError if `module` is not a linear layer.
    """
    core = unwrapped(module)
    if isinstance(core, nn.Linear):
        return core.in_features, core.out_features
    if isinstance(core, Conv1D):  # stores its weight as (in, out)
        return core.nx, core.nf
    raise MethodError(f"{type(core).__name__} is not a linear layer (nn.Linear or transformers' Conv1D)")


def is_linear(module: nn.Module) -> bool:
    """Whether a module, wrapped by PEFT or not, is a linear layer.

    Routers, which choose experts, are not: those of Llama 4 and Phi-3.5-MoE inherit from nn.Linear, but return tuples.
    """
    core = unwrapped(module)
    return isinstance(core, nn.Linear | Conv1D) and not type(core).__name__.endswith("Router")


def is_quantised(module: nn.Module) -> bool:
    """Whether a linear layer, wrapped by PEFT or not, stores its weight in the 4 or 8 bits of bitsandbytes."""
    weight = getattr(unwrapped(module), "weight", None)
    return type(weight).__module__.partition(".")[0] == "bitsandbytes"


def is_transposed(module: nn.Module) -> bool:
    """Whether a linear layer, wrapped or not, is transformers' Conv1D: its weight has shape (in, out)."""
    return isinstance(unwrapped(module), Conv1D)


def any_adapted(model: nn.Module) -> bool:
    """Whether PEFT has wrapped a linear layer of the model."""
    return any(is_linear(module) and unwrapped(module) is not module for module in model.modules())


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside PEFT's wrappers."""
    while isinstance(getattr(module, "base_layer", None), nn.Module):
        module = cast("nn.Module", module.base_layer)
    return module


def linears(module: nn.Module, name: str) -> Iterator[Linear]:
    """The linear layers at and below `module`, in order of registration."""
    if is_linear(module):
        reads, writes = features(module)
        yield Linear(name, reads, writes)
        return
    for child_name, child in module.named_children():
        yield from linears(child, join(name, child_name))


def join(prefix: str, name: str) -> str:
    """The full name of a child; `prefix` is "" for the model itself."""
    return f"{prefix}.{name}" if prefix else name
