"""Faster generation steps: three changes that are the same for every model and method.

A generation step is one token of each text through the whole model. What is negligible in a training step then takes
most of its time: autocast casts every fp32 weight again, the cache of keys and values is copied to grow by one
position, and attention without a fused kernel passes over it several times.

What: the weights of linear layers are held in autocast's precision (`cast_once`), transformers' `DynamicLayer.update`
is replaced by one that reserves room (`growing_caches`), and a model that attends without a fused kernel uses torch's
(`fused_attention`). Since: transformers 4.56, whose caches have layers. Undone at the end of each block.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers.cache_utils import DynamicLayer
from transformers.pytorch_utils import Conv1D

from pefbench.models import architecture, linear_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

ROOM = 64
"""The number of positions by which a cache grows."""

_STOCK = DynamicLayer.update
_LOCK = Lock()
_BLOCKS: set[object] = set()
"""The open blocks, in any thread: the last one undoes the patch."""


@contextmanager
def fast_search(model: nn.Module) -> Iterator[None]:
    """Generate faster inside the block."""
    with cast_once(model), growing_caches(), fused_attention(model):
        yield


@contextmanager
def cast_once(model: nn.Module) -> Iterator[None]:
    """Hold the weights of fp32 linear layers in autocast's precision, with the same numbers as casting at each step.

    Adapters are not changed: they are small, and some compute with their weights in fp32. A head tied to the input
    embeddings gets its own cast copy.
    """
    kind = next(model.parameters()).device.type
    changed: list[tuple[nn.Module, str, nn.Parameter]] = []
    try:
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
            for module in _own_linear_layers(model):
                for name, weight in [*module.named_parameters(recurse=False)]:
                    changed.append((module, name, weight))
                    setattr(module, name, nn.Parameter(weight.detach().to(dtype), requires_grad=False))
        yield
    finally:
        for module, name, weight in changed:
            setattr(module, name, weight)


def _own_linear_layers(model: nn.Module) -> list[nn.Module]:
    """The plain fp32 linear layers of a model that do not belong to an adapter."""
    adapters = {inner for module in model.modules() if isinstance(module, BaseTunerLayer) for inner in module.modules()}
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear | Conv1D)
        and module not in adapters
        and not linear_layers.is_quantised(module)
        and all(weight.dtype == torch.float32 for weight in module.parameters(recurse=False))
    ]


@contextmanager
def growing_caches() -> Iterator[None]:
    """Make caches of keys and values reserve room, in autocast's precision, in which attention computes."""
    block = object()
    with _LOCK:
        _BLOCKS.add(block)
        _patch(_update)
    try:
        yield
    finally:
        with _LOCK:
            _BLOCKS.remove(block)
            if not _BLOCKS:
                _patch(_STOCK)


def _patch(update: Callable[..., Any]) -> None:
    setattr(DynamicLayer, "update", update)  # noqa: B010 - a method, in the eyes of mypy


def _update(layer: Any, keys: Tensor, values: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
    """Add keys and values (batch, heads, new positions, size) to a layer of a cache, and return all of them."""
    if not layer.is_initialized:
        layer.lazy_initialization(keys, values)
    for name, new in (("keys", keys), ("values", values)):
        held, added = getattr(layer, name), _as_computed(new)
        setattr(layer, name, _grown(layer, name, held, added) if held.numel() else added)
    return layer.keys, layer.values


def _as_computed(x: Tensor) -> Tensor:
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def _grown(layer: Any, name: str, held: Tensor, new: Tensor) -> Tensor:
    """`held` with `new` appended: a view of a buffer, which is stored with the layer while it has room.

    If the layer's content was changed since, as by beam search when it reorders rows, the buffer is outdated.
    """
    start, end = held.shape[-2], held.shape[-2] + new.shape[-2]
    buffer, seen = vars(layer).get(f"{name}_buffer", (None, None))
    if seen is not held or buffer.shape[-2] < end:
        buffer = new.new_empty(*held.shape[:-2], end + ROOM, held.shape[-1])
        buffer[..., :start, :] = held
    buffer[..., start:end, :] = new
    view: Tensor = buffer[..., :end, :]
    vars(layer)[f"{name}_buffer"] = buffer, view
    return view


@contextmanager
def fused_attention(model: nn.Module) -> Iterator[None]:
    """Use fused attention in a model that was loaded without it, as its backward pass is slow in training."""
    base = architecture.unwrap(model)
    fuses = base._supports_sdpa and base._can_set_attn_implementation()
    switched = fuses and base.config._attn_implementation == "eager"
    if switched:
        base.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        if switched:
            base.set_attn_implementation("eager")
