"""Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): each block's activations are recomputed, not stored.

Only the input of a block is stored until the backward pass, which recomputes the rest. transformers' own implementation
drops the cache that contains a prefix, and draws our dropout again. Here a block's second pass gets the same state as
its first: its layer of the cache, a prefix given to its attentions, the state of torch's generators, and the call
counter for dropout by example. So loss and gradients are unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import Cache, EncoderDecoderCache

from pefbench.errors import MethodError, RecipeError
from pefbench.models import architecture
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.models.patches import methods

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

HANDED = "pefbench_prefix"
"""The attribute in which an attention module gets a `pair` during a call."""


def apply(model: nn.Module) -> None:
    """Make every block of a model without a method recompute its activations in the backward pass; in place.

    Raises RecipeError if the model's blocks cannot be found.
    """
    try:
        names = architecture.blocks(model)
    except MethodError as error:
        raise RecipeError(f"train.recompute: {error}") from None
    for name in names:
        methods.replace(model.get_submodule(name), "forward", _forward)


def _forward(block: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """A block's forward pass; in training, its activations are not stored."""
    plain = methods.original(block, "forward")
    if not (block.training and torch.is_grad_enabled()):
        return plain(*args, **kwargs)
    read: list[Read] = [CacheLayers(block, each) for each in (*args, *kwargs.values()) if isinstance(each, Cache)]
    read += [Handed(vars(module)[HANDED]) for module in block.modules() if HANDED in vars(module)]
    found = [each.get() for each in read]
    dropout = functional.dropout if isinstance(functional.dropout, KeyedDropout) else None
    drawn = dropout.calls if dropout else 0

    def run(*args: Any, **kwargs: Any) -> Any:
        there = [each.get() for each in read]
        _put(read, found)
        if dropout:
            dropout.calls = drawn
        try:
            return plain(*args, **kwargs)
        finally:  # the second pass stops as soon as everything needed is computed
            _put(read, there)

    return checkpoint(run, *args, use_reentrant=False, **kwargs)


class Read(Protocol):
    """State that a block reads besides its arguments, and may change."""

    def get(self) -> Any:
        """The current state."""

    def put(self, value: Any) -> None:
        """Restore a state that `get` returned."""


class CacheLayers:
    """The layers of a cache that a block reads and extends."""

    def __init__(self, block: nn.Module, cache: Any) -> None:
        self.cache = cache
        self.numbers = {
            number for module in block.modules() if isinstance(number := getattr(module, "layer_idx", None), int)
        }
        pair = isinstance(cache, EncoderDecoderCache)
        self.parts = [cache.self_attention_cache, cache.cross_attention_cache] if pair else [cache]

    def get(self) -> Any:
        """The number of layers in each part, the block's own layers, and which cross-attention layers are filled."""
        layers = [{number: dict(vars(part.layers[number])) for number in self._own(part)} for part in self.parts]
        return [len(part.layers) for part in self.parts], layers, dict(getattr(self.cache, "is_updated", {}))

    def put(self, value: Any) -> None:
        """Remove the text that a pass has added."""
        lengths, layers, updated = value
        for part, length, before in zip(self.parts, lengths, layers, strict=True):
            del part.layers[length:]
            for number, values in before.items():
                vars(part.layers[number]).clear()
                vars(part.layers[number]).update(values)
        if hasattr(self.cache, "is_updated"):
            self.cache.is_updated = dict(updated)

    def _own(self, part: Any) -> list[int]:
        return [number for number in self.numbers if number < len(part.layers)]


class Handed:
    """The prefix given to an attention."""

    def __init__(self, place: Any) -> None:
        self.place = place

    def get(self) -> Any:
        """Its keys and values, or None."""
        return self.place.pair

    def put(self, value: Any) -> None:
        """Set them again."""
        self.place.pair = value


def _put(read: Sequence[Read], values: Sequence[Any]) -> None:
    for each, value in zip(read, values, strict=True):
        each.put(value)
