"""The attention function: a name that transformers' configs may use, the config of one attention, a model's choice.

What: `AttentionInterface`, transformers' public list of attention functions, gets a name; and one attention module gets
a copy of its config with this name in `_attn_implementation`. Why: a prefix for encoders that take no cache, see
`methods.tuners.prefix_attention`. A model uses eager attention while it is exported: the graph of fused attention is
not what ONNX Runtime computes. Since: transformers 4.48, the first with the list. Undone by `unregister`, `restore` and
the end of `eager`.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from transformers import AttentionInterface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def register(name: str, function: Callable[..., Any]) -> None:
    """Let a config name this attention function; a second call replaces the first."""
    AttentionInterface.register(name, function)


def unregister(name: str) -> None:
    """Undo `register`; configs that still use the name cannot attend."""
    AttentionInterface._global_mapping.pop(name, None)


def function_of(config: Any, default: Any) -> Any:
    """The function that a config names; default: the eager attention of the module's architecture."""
    return AttentionInterface().get_interface(config._attn_implementation, default)


def use(module: Any, name: str) -> Any:
    """Make one attention module call the function `name`; return its own config, for `restore`."""
    own = module.config
    module.config = copy.copy(own)
    module.config._attn_implementation = name
    return own


def restore(module: Any, own: Any) -> None:
    """Restore an attention module's own config."""
    module.config = own


@contextmanager
def eager(model: Any) -> Iterator[None]:
    """Make all attentions of a transformers model compute eagerly."""
    own = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(own)
