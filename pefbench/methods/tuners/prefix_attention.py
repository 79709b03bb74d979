"""A prefix through the attention function, for encoders without a cache: DistilBERT, ModernBERT, T5's encoder...

In transformers an attention computes queries, keys and values, and leaves the rest to a function that its config names.
Here each attention gets a copy of its config that names another function, which puts the prefix before the keys and
values and then calls the original one. Masks are made as before, positions do not move, and relative position biases
ignore the prefix: it is equally near to every token, and inside every window.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from pefbench.models.patches import attention
from pefbench.models.recompute import HANDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from torch import Tensor, nn

    from pefbench.methods.tuners.prefix_routes import KeyValues
    from pefbench.methods.tuners.virtual_tokens import Arguments

NAME = HANDED


@dataclass(eq=False)
class Place:
    """What one attention module needs: its original config, and its layer's prefix."""

    config: Any
    pair: tuple[Tensor, Tensor] | None = None
    """Keys and values (1, heads, virtual tokens, size), during a call of the stack."""
    seen: list[tuple[Place, Tensor, Tensor]] | None = None
    """Where to store keys and values while they are recorded."""


@dataclass(eq=False)
class AttentionPrefix:
    """The route into a stack through its attention functions."""

    places: dict[nn.Module, Place]
    in_order: list[Place] = field(default_factory=list)
    takes_positions = False

    @classmethod
    def into(cls, stack: nn.Module, *, crosses: bool) -> Self | None:
        """The route for an encoder. Causal attention has none: it would mask a prefix that it does not know of."""
        modules = [module for module in stack.modules() if _may_attend(module)]
        if crosses or not modules or any(getattr(module, "is_causal", False) for module in modules):
            return None
        route = cls({module: Place(module.config) for module in modules})
        for module, place in route.places.items():
            attention.use(module, NAME)
            setattr(module, NAME, place)
        return route

    def record(self, run: Callable[[], object]) -> KeyValues:
        """The keys and values that the attentions compute within `run`, in the order of their calls."""
        seen: list[tuple[Place, Tensor, Tensor]] = []
        for place in self.places.values():
            place.seen = seen
        try:
            run()
        finally:
            for place in self.places.values():
                place.seen = None
        self.in_order = [place for place, _, _ in seen]
        return [(keys, values) for _, keys, values in seen]

    def add(self, given: Arguments, prefix: Callable[[], KeyValues]) -> Arguments:
        """Give each attention its layer's prefix; the call itself does not change."""
        for place, pair in zip(self.in_order, prefix(), strict=True):
            place.pair = pair
        return given

    def done(self) -> None:
        """Remove the prefix from the attentions."""
        for place in self.places.values():
            place.pair = None

    def leave(self) -> None:
        """Restore each attention's own config."""
        for module, place in self.places.items():
            attention.restore(module, place.config)
            delattr(module, NAME)


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, Tensor | None]:
    """Attend to the prefix, too; queries, keys and values have shape (batch, heads, length, size).

    The last dimension of masks and position biases is the length of the keys.
    """
    place: Place = getattr(module, NAME)
    if place.seen is not None:
        place.seen.append((place, key, value))
    if place.pair is not None:
        keys, values = (part.to(key.dtype).expand(key.shape[0], -1, -1, -1) for part in place.pair)
        key, value = torch.cat([keys, key], dim=2), torch.cat([values, value], dim=2)
        length = keys.shape[2]
        if attention_mask is not None:
            # Masks are True where attention is allowed, or are added to its scores.
            attention_mask = functional.pad(attention_mask, (length, 0), value=attention_mask.dtype == torch.bool)
        if kwargs.get("position_bias") is not None:
            kwargs["position_bias"] = functional.pad(kwargs["position_bias"], (length, 0))
    eager: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    before = attention.function_of(place.config, eager)
    attended: tuple[Tensor, Tensor | None] = before(module, query, key, value, attention_mask, **kwargs)
    return attended


def _may_attend(module: nn.Module) -> bool:
    """Whether a module may be an attention that takes its function from its config; most modules are not."""
    return not isinstance(module, PreTrainedModel) and hasattr(vars(module).get("config"), "_attn_implementation")


attention.register(NAME, attend)
