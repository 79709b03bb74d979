"""A function that transformers' attentions may name in their config, and the config of one attention.

What: `AttentionInterface`, transformers' public list of such functions, gets a name; and one attention module gets a
copy of its config that has this name in `_attn_implementation`. Why: a prefix for encoders that take no cache, see
`methods.tuners.prefix_attention`. Since: transformers 4.48, the first with the list. Undone by `unregister` and
`restore`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from transformers import AttentionInterface

if TYPE_CHECKING:
    from collections.abc import Callable


def register(name: str, function: Callable[..., Any]) -> None:
    """Let a config name this attention function; a second call replaces the first."""
    AttentionInterface.register(name, function)


def unregister(name: str) -> None:
    """Undo `register`; configs that still name it cannot attend."""
    AttentionInterface._global_mapping.pop(name, None)


def function_of(config: Any, default: Any) -> Any:
    """The function that a config names; `default`: what eager attention is in the module's architecture."""
    return AttentionInterface().get_interface(config._attn_implementation, default)


def use(module: Any, name: str) -> Any:
    """Let one attention module call the function `name`; return its own config, for `restore`."""
    own = module.config
    module.config = copy.copy(own)
    module.config._attn_implementation = name
    return own


def restore(module: Any, own: Any) -> None:
    """Give an attention module its own config back."""
    module.config = own
