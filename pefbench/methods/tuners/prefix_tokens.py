"""Prefixes: virtual tokens that are keys and values of every self-attention (Li and Liang 2021, arXiv:2101.00190).

In a model with one stack all its layers have a prefix; in an encoder-decoder those of the decoder, as in PEFT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import MethodError
from pefbench.methods.tuners.prefix_attention import AttentionPrefix
from pefbench.methods.tuners.prefix_cache import CACHE, CachedPrefix
from pefbench.methods.tuners.prefix_disentangled import DisentangledPrefix
from pefbench.methods.tuners.virtual_tokens import (
    Arguments,
    VirtualTokens,
    by_name,
    decoder,
    input_embeddings,
    is_pair,
    single_stack,
    text_stack,
)
from pefbench.models import architecture

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pefbench.methods.tuners.prefix_routes import KeyValues, Route

PROBE = 8
"""The length in tokens of a text that only shows how a model computes."""
ROUTES: tuple[type[Route], ...] = (CachedPrefix, AttentionPrefix, DisentangledPrefix)


@dataclass(frozen=True)
class Shape:
    """The size of one virtual token: `layers` times a key and a value, each of `heads` times `size` numbers."""

    layers: int
    heads: int
    size: int

    @property
    def numbers(self) -> int:
        """How many numbers a virtual token has."""
        return 2 * self.layers * self.heads * self.size

    def split(self, flat: Tensor) -> KeyValues:
        """(virtual tokens, numbers) -> keys and values of a batch of 1, in PEFT's order."""
        parts = flat.view(len(flat), self.layers, 2, self.heads, self.size).permute(1, 2, 3, 0, 4)
        return [(keys[None], values[None]) for keys, values in parts]

    def joined(self, pairs: KeyValues) -> Tensor:
        """The inverse of `split`."""
        parts = torch.stack([torch.stack([keys[0], values[0]]) for keys, values in pairs])
        return parts.permute(3, 0, 1, 2, 4).flatten(1)


class PrefixTokens(VirtualTokens):
    """The prefix of a model with PEFT's prefix tuning."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        base: nn.Module = model.get_base_model()
        self.route, self.shape = find_route(base)
        stack = prefixed_stack(base)
        self._drops_cache = False
        stack.register_forward_pre_hook(self._add, with_kwargs=True)
        stack.register_forward_hook(self._done, always_call=True)

    def key_values(self) -> KeyValues:
        """The prefix of each layer, with a batch of 1, in the precision of attention."""
        values = self.values()
        kind = values.device.type
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        else:
            dtype = input_embeddings(text_stack(self.model.get_base_model())).weight.dtype
        return self.shape.split(values.to(dtype))

    def of_text(self, ids: Tensor) -> KeyValues:
        """The keys and values that the model without its prefix computes for a text, ids (length,)."""
        with self.aside():
            return self.route.record(lambda: run(self.model.get_base_model(), ids))

    def _add(self, stack: nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> tuple[tuple[()], Arguments]:
        given = by_name(stack, args, kwargs)
        self._drops_cache = given.get("use_cache") is False
        if self.at_work:
            if self.route.takes_positions:
                given |= self.moved_behind(given)
            given = self.route.add(given, self.key_values)
        return (), given

    def _done(self, _stack: nn.Module, _args: Any, output: Any) -> Any:
        self.route.done()
        if self._drops_cache and getattr(output, CACHE, None) is not None:
            # Some stacks return any cache that they got: generating without a cache would then continue from it.
            setattr(output, CACHE, None)
        return output


def prefixed_stack(model: nn.Module) -> nn.Module:
    """The stack of layers whose self-attentions get the prefix."""
    return decoder(model) or single_stack(model)


def find_route(model: nn.Module) -> tuple[Route, Shape]:
    """The route of a prefix into a model, and the prefix's shape. Raises MethodError if there is none."""
    for kind in ROUTES:
        route = kind.into(prefixed_stack(model), crosses=is_pair(model))
        if route is None:
            continue
        if found := route.record(lambda: probe(model)):
            return route, _shape(found, model)
        route.leave()
    raise MethodError(
        f"{type(model).__name__}: its attentions cannot take a prefix: they take no past_key_values, call no "
        "attention function of transformers, and are not DeBERTa-v2's"
    )


def shape(model: nn.Module) -> Shape:
    """The shape of a prefix for a model. Raises MethodError like `find_route`."""
    route, found = find_route(model)
    route.leave()
    return found


def probe(model: nn.Module) -> Any:
    """The backbone's output for a short text. Funnel, which pools, cannot read a text of two tokens."""
    return run(model, torch.zeros(PROBE, dtype=torch.long))


@torch.no_grad()
def run(model: nn.Module, ids: Tensor) -> Any:
    """The backbone's output for a text, ids (length,), without dropout; an encoder-decoder's decoder reads it, too."""
    backbone = architecture.backbone(model)
    training = backbone.training
    ids = ids[None].to(next(backbone.parameters()).device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    inputs |= {"decoder_input_ids": ids} if is_pair(model) else {}
    low = {torch.float16, torch.bfloat16} & {weight.dtype for weight in backbone.parameters()}
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=bool(low)):
        output = backbone.eval()(**inputs)
    backbone.train(training)
    return output


def _shape(pairs: KeyValues, model: nn.Module) -> Shape:
    shapes = {tuple(part.shape) for pair in pairs for part in pair}
    if len(shapes) > 1:
        raise MethodError(
            f"{type(model).__name__}: its layers have keys and values of several shapes, and PEFT's prefix has one"
        )
    [(_, heads, _, size)] = shapes
    return Shape(len(pairs), heads, size)
