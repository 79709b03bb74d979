"""Attention windows: the layers of a model with one stack in which a token attends only to the nearest tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from transformers import PretrainedConfig

ALL_ALIKE = frozenset({"mistral", "ministral3", "mixtral", "phi3", "phimoe", "qwen3_moe", "starcoder2"})
"""Types of models that have a window in all layers, if at all; the configs of others name the layers."""
BOTH_WAYS = frozenset({"modernbert"})
"""Types of models whose windows reach equally far ahead; their configs do not count the token in the middle."""


class Windows(NamedTuple):
    """The windows of a model: the number of layers with one, and the tokens in it, from a token backwards.

    The first tokens of a text attend to all before them; in the chunks of Llama 4, later ones attend to fewer tokens.
    """

    layers: int
    of_layers: int
    tokens: int


def windows(config: PretrainedConfig) -> Windows | None:
    """The windows that a config describes; None if it has none, and for encoder-decoders."""
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
    kinds = getattr(text, "layer_types", None) or ()
    if "chunked_attention" in kinds:
        return [kind == "chunked_attention" for kind in kinds], text.attention_chunk_size
    return [kind == "sliding_attention" for kind in kinds], size
