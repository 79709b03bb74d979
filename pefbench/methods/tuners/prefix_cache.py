"""A prefix as an initial cache, for stacks that take `past_key_values`: BERT, GPT-2, Llama, decoders of T5...

The positions of the text start after the prefix, as after a cached text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import DynamicCache, EncoderDecoderCache
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from pefbench.errors import MethodError
from pefbench.methods.tuners.virtual_tokens import Arguments, by_name, is_empty, parameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from torch import nn

    from pefbench.methods.tuners.prefix_routes import KeyValues

CACHE = "past_key_values"


class CachedPrefix:
    """The route into a stack through its cache."""

    takes_positions = True

    def __init__(self, stack: nn.Module, *, crosses: bool) -> None:
        self.stack, self.crosses = stack, crosses

    @classmethod
    def into(cls, stack: nn.Module, *, crosses: bool) -> Self | None:
        """The route, if the stack's forward pass takes a cache.

        Raises MethodError if some layers have no keys and values in it.
        """
        if CACHE not in parameters(stack):
            return None
        config: Any = stack.config
        if any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in DynamicCache(config=config).layers):
            raise MethodError(
                f"{type(stack).__name__}: some of its layers keep a state instead of keys and values, so a prefix "
                "cannot precede the text there; use prompt"
            )
        return cls(stack, crosses=crosses)

    def record(self, run: Callable[[], object]) -> KeyValues:
        """What `run` leaves in an empty cache; nothing if it skips a layer."""
        cache = self._empty()

        def give(stack: nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> tuple[tuple[()], Arguments]:
            return (), by_name(stack, args, kwargs) | {CACHE: cache}

        hook = self.stack.register_forward_pre_hook(give, with_kwargs=True)
        try:
            run()
        finally:
            hook.remove()
        layers = _own(cache).layers
        return [(layer.keys, layer.values) for layer in layers] if all(map(_is_filled, layers)) else []

    def add(self, given: Arguments, prefix: Callable[[], KeyValues]) -> Arguments:
        """Fill the cache at a text's first call; later calls have it already."""
        if not is_empty(given.get(CACHE)):
            return given
        cache = given.get(CACHE)
        cache = self._empty() if cache is None else cache
        text = given["input_ids"] if given.get("input_ids") is not None else given["inputs_embeds"]
        layers = prefix()
        for layer, pair in enumerate(layers):
            keys, values = (part.expand(text.shape[0], -1, -1, -1) for part in pair)
            _own(cache).update(keys, values, layer)
        if given.get("attention_mask") is None:  # encoders make a mask for the text's length only
            positions = layers[0][0].shape[2] + text.shape[1]
            given = given | {"attention_mask": text.new_ones((text.shape[0], positions)).long()}
        return given | {CACHE: cache}

    def done(self) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        """Nothing to restore."""

    def _empty(self) -> Any:
        return EncoderDecoderCache(DynamicCache(), DynamicCache()) if self.crosses else DynamicCache()


def _own(cache: Any) -> Any:
    """The part of a cache that the self-attentions use."""
    return cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else cache


def _is_filled(layer: Any) -> bool:
    return bool(layer.is_initialized)
