"""Generation step by step, faster: three things that are the same for every model and method.

A step of generation is one token of each text through the whole model, so what a training step hardly notices is most
of its time: autocast casts every fp32 weight anew, the cache of keys and values is copied to grow by one position,
and attention without a fused kernel passes over it several times.

What: the weights of linear layers are held in autocast's precision (`cast_once`), `DynamicLayer.update` of
transformers is one that keeps room (`growing_caches`), and a model that attends without a fused kernel takes
that of torch (`fused_attention`). Since: transformers 4.56, whose caches have layers. Undone at the end of each block.
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
"""Positions that a cache grows by."""

_STOCK = DynamicLayer.update
_LOCK = Lock()
_BLOCKS: set[object] = set()
"""Those that are open, in any thread: the last one puts the patch back."""


@contextmanager
def fast_search(model: nn.Module) -> Iterator[None]:
    """Generate faster inside the block."""
    with cast_once(model), growing_caches(), fused_attention(model):
        yield


@contextmanager
def cast_once(model: nn.Module) -> Iterator[None]:
    """Hold the weights of fp32 linear layers in autocast's precision: to the same numbers as casting them at each step.

    Adapters stay as they are: they are small, and some compute with their weights in fp32. A head that is the input
    embeddings is cast for itself.
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
    """The fp32 linear layers of a model that are no adapter's, as far as they are plain."""
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
    """Let caches of keys and values keep room for what comes, in autocast's precision, which attention computes in."""
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
    """`held` with `new` behind it: a view of a buffer, which is kept with the layer while there is room in it.

    Whoever changed what the layer holds, as beam search does when it reorders rows, left the buffer behind.
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
    """Attend by the fused kernel where a model was loaded without, for what that costs backwards in training."""
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
