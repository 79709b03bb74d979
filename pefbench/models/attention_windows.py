"""Attention windows: in which layers a token attends to the nearest tokens alone, in a model of one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from transformers import PretrainedConfig

ALL_ALIKE = frozenset({"mistral", "ministral3", "mixtral", "phi3", "phimoe", "qwen3_moe", "starcoder2"})
"""Types of models that have a window in all layers, if at all; the configs of others name the layers."""
BOTH_WAYS = frozenset({"modernbert"})
"""Types of models whose windows reach as far ahead; they leave the token in the middle out of the count."""


class Windows(NamedTuple):
    """The windows of a model: in how many of its layers, and how many tokens they hold, a token and those before it."""

    layers: int
    of_layers: int
    tokens: int


def windows(config: PretrainedConfig) -> Windows | None:
    """What a config says of windows; None where it has none, and for a pair of an encoder and a decoder."""
    if config.is_encoder_decoder:
        return None
    text: Any = config.get_text_config()
    layers, tokens = _local_layers(text)
    if not any(layers) or tokens is None:
        return None
    return Windows(sum(layers), len(layers), tokens + (text.model_type in BOTH_WAYS))


def _local_layers(text: Any) -> tuple[list[bool], int | None]:
    """Whether each layer has a window, if there is one, and its size."""
    if text.model_type == "gpt_neo":
        return [kind == "local" for kind in text.attention_layers], text.window_size
    size = getattr(text, "sliding_window", None)
    if text.model_type in ALL_ALIKE:
        return [True] * text.num_hidden_layers, size
    return [kind == "sliding_attention" for kind in getattr(text, "layer_types", None) or ()], size
