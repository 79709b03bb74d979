"""A prefix for DeBERTa-v2 and DeBERTa-v3, whose disentangled attention has neither a cache nor a replaceable function.

The prefix is put before the outputs of the key and value projections. Its distance to the text is undefined, so the
terms for relative positions are zero there (He et al. 2021, arXiv:2006.03654, equation 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from pefbench.methods.tuners.virtual_tokens import by_name
from pefbench.models.patches import methods
from pefbench.models.recompute import HANDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from torch import nn
    from torch.utils.hooks import RemovableHandle

    from pefbench.methods.tuners.prefix_routes import KeyValues
    from pefbench.methods.tuners.virtual_tokens import Arguments

BIAS = "disentangled_attention_bias"


class DisentangledPrefix:
    """The route into a stack of disentangled attentions."""

    takes_positions = False

    def __init__(self, places: list[Place]) -> None:
        self.places = places

    @classmethod
    def into(cls, stack: nn.Module, *, crosses: bool) -> Self | None:  # noqa: ARG003 - such stacks do not
        """The route, if the stack has such attentions, in the order of its layers."""
        found = [module for module in stack.modules() if hasattr(module, BIAS)]
        return cls([Place(module) for module in found]) if found else None

    def record(self, run: Callable[[], object]) -> KeyValues:
        """What the key and value projections compute within `run`."""
        for place in self.places:
            place.seen = []
        run()
        seen = [place.seen for place in self.places]
        for place in self.places:
            place.seen = None
        return [(keys, values) for keys, values in (pair for pair in seen if pair is not None)]

    def add(self, given: Arguments, prefix: Callable[[], KeyValues]) -> Arguments:
        """Give each attention its layer's prefix; the call itself does not change."""
        for place, pair in zip(self.places, prefix(), strict=True):
            place.pair = pair
        return given

    def done(self) -> None:
        """Remove the prefix from the attentions."""
        for place in self.places:
            place.pair = None

    def leave(self) -> None:
        """Remove the hooks."""
        for place in self.places:
            place.leave()


class Place:
    """One attention, and the hooks that put a prefix before its keys and values.

    pair: keys and values (1, heads, virtual tokens, size) during a call of the stack. seen: where to store those of the
    text while they are recorded.
    """

    def __init__(self, attention: Any) -> None:
        self.attention = attention
        self.pair: tuple[Tensor, Tensor] | None = None
        self.seen: list[Tensor] | None = None
        self._in_bias = False
        self._hooks: list[RemovableHandle] = [
            attention.register_forward_pre_hook(self._lengthen_mask, with_kwargs=True),
            attention.key_proj.register_forward_hook(self._add_keys),
            attention.value_proj.register_forward_hook(self._add_values),
        ]
        methods.put(attention, BIAS, self._bias)
        setattr(attention, HANDED, self)

    def leave(self) -> None:
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()
        methods.restore(self.attention, BIAS)
        delattr(self.attention, HANDED)

    def _lengthen_mask(
        self, attention: nn.Module, args: tuple[Any, ...], kwargs: Arguments
    ) -> tuple[tuple[()], Arguments]:
        given = by_name(attention, args, kwargs)
        if self.pair is not None:
            given["attention_mask"] = functional.pad(given["attention_mask"], (self.pair[0].shape[2], 0), value=1)
        return (), given

    def _add_keys(self, _map: nn.Module, _args: Any, keys: Tensor) -> Tensor:
        return keys if self._in_bias else self._add(keys, 0)

    def _add_values(self, _map: nn.Module, _args: Any, values: Tensor) -> Tensor:
        return self._add(values, 1)

    def _add(self, states: Tensor, part: int) -> Tensor:
        """states (batch, length, heads * size) -> the same with the prefix before them."""
        if self.seen is not None:
            self.seen.append(states.unflatten(2, (self.attention.num_attention_heads, -1)).transpose(1, 2))
        if self.pair is None:
            return states
        prefix = self.pair[part].transpose(1, 2).flatten(2).to(states.dtype)
        return torch.cat([prefix.expand(states.shape[0], -1, -1), states], dim=1)

    def _bias(self, query_layer: Tensor, key_layer: Tensor, *args: Any) -> Tensor | int:
        """The terms of relative positions (batch * heads, length, virtual tokens + length); 0 if there are none.

        query_layer, key_layer: (batch * heads, length, size), the keys with the prefix.
        """
        length = 0 if self.pair is None else self.pair[0].shape[2]
        self._in_bias = True  # the key projection may also project the distances
        try:
            bias = methods.original(self.attention, BIAS)(query_layer, key_layer[:, length:], *args)
        finally:
            self._in_bias = False
        return functional.pad(bias, (length, 0)) if isinstance(bias, Tensor) else 0
