"""Our description of attention windows matches the library's masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForTokenClassification

from pefbench.models.attention_windows import ALL_ALIKE, BOTH_WAYS, Windows, windows
from pefbench.registry import find
from tests import tiny

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

WINDOW, LAYERS, VIRTUAL, LENGTH = 8, 4, 3, 20
STACK: dict[str, Any] = {
    "vocab_size": 64,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}
CAUSAL = STACK | {"num_key_value_heads": 1, "head_dim": 8, "sliding_window": WINDOW}
EXPERTS = {"num_local_experts": 2, "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16}
MODERN = STACK | {"cls_token_id": 2, "sep_token_id": 3, "global_attn_every_n_layers": 2}
NEO = STACK | {"num_layers": LAYERS, "num_heads": 2, "window_size": WINDOW}

FAMILIES: dict[str, tuple[str, dict[str, Any], list[int]]] = {
    "mistral": ("MistralConfig", CAUSAL, [0, 1, 2, 3]),
    "mistral without": ("MistralConfig", CAUSAL | {"sliding_window": None}, []),
    "ministral": ("MinistralConfig", CAUSAL | {"layer_types": ["sliding_attention", "full_attention"] * 2}, [0, 2]),
    "ministral3": ("Ministral3Config", CAUSAL, [0, 1, 2, 3]),
    "mixtral": ("MixtralConfig", CAUSAL | EXPERTS, [0, 1, 2, 3]),
    "phi3": ("Phi3Config", CAUSAL, [0, 1, 2, 3]),
    "phimoe": ("PhimoeConfig", CAUSAL | EXPERTS, [0, 1, 2, 3]),
    "starcoder2": ("Starcoder2Config", CAUSAL, [0, 1, 2, 3]),
    "qwen2": ("Qwen2Config", CAUSAL | {"use_sliding_window": True, "max_window_layers": 1}, [1, 2, 3]),
    "qwen2 without": ("Qwen2Config", CAUSAL, []),
    "qwen3": ("Qwen3Config", CAUSAL | {"use_sliding_window": True, "max_window_layers": 3}, [3]),
    "qwen3_moe": ("Qwen3MoeConfig", CAUSAL | EXPERTS | {"use_sliding_window": True}, [0, 1, 2, 3]),
    "gemma2": ("Gemma2Config", CAUSAL, [0, 2]),
    "gemma3": ("Gemma3TextConfig", CAUSAL | {"sliding_window_pattern": 3}, [0, 1, 3]),
    "gpt_oss": ("GptOssConfig", CAUSAL | EXPERTS, [0, 2]),
    "llama4": ("Llama4TextConfig", CAUSAL | EXPERTS | {"attention_chunk_size": WINDOW}, [0, 1, 2]),
    "cohere2": ("Cohere2Config", CAUSAL, [0, 1, 2]),
    "olmo3": ("Olmo3Config", CAUSAL, [0, 1, 2]),
    "smollm3": ("SmolLM3Config", CAUSAL | {"use_sliding_window": True, "no_rope_layers": [1, 1, 1, 0]}, [3]),
    "exaone4": ("Exaone4Config", CAUSAL | {"sliding_window_pattern": 2}, [0, 2]),
    "gpt_neo": ("GPTNeoConfig", NEO | {"attention_types": [[["global", "local"], 2]]}, [1, 3]),
    "modernbert": ("ModernBertConfig", MODERN | {"local_attention": 2 * WINDOW - 2}, [1, 3]),
    "modernbert-decoder": ("ModernBertDecoderConfig", MODERN | {"local_attention": 2 * WINDOW}, [1, 3]),
}
"""Configs with a window of `WINDOW` tokens, and the layers that have it."""


def config(family: str) -> PreTrainedConfig:
    kind, fields, _ = FAMILIES[family]
    made: PreTrainedConfig = getattr(transformers, kind)(**fields)
    return made


def lost(config: PreTrainedConfig, method: str) -> list[int | None]:
    """For each layer, the first token of a text that does not attend to the first virtual token."""
    auto: Any = AutoModelForTokenClassification if config.model_type in BOTH_WAYS else AutoModelForCausalLM
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = auto.from_config(config, attn_implementation="eager").eval()
        chosen: Any = find("method", method)(name=method, num_virtual_tokens=VIRTUAL)
        adapted = chosen.apply(model, "TOKEN_CLS" if config.model_type in BOTH_WAYS else "CAUSAL_LM").eval()
        chosen.on_model_ready(adapted)
    ids = torch.arange(4, 4 + LENGTH)[None]
    with torch.no_grad():
        layers = adapted(input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True).attentions
    seen = [(layer[0, :, -LENGTH:, 0] > 0).any(dim=0).tolist() for layer in layers]
    return [each.index(False) if False in each else None for each in seen]


@pytest.mark.parametrize("method", ["prefix", "prompt"])
@pytest.mark.parametrize("family", FAMILIES)
def test_virtual_tokens_are_hidden_where_it_is_said(family: str, method: str) -> None:
    made, local = config(family), FAMILIES[family][2]
    assert windows(made) == (Windows(len(local), LAYERS, WINDOW) if local else None)
    if method == "prefix" and made.model_type in BOTH_WAYS:
        assert find("method", method).in_attention
        local = []
    assert lost(made, method) == [WINDOW - VIRTUAL if layer in local else None for layer in range(LAYERS)]


def test_every_type_that_is_named_is_tried() -> None:
    assert {config(family).model_type for family in FAMILIES} > ALL_ALIKE | BOTH_WAYS


def test_no_other_model_of_the_grid_has_windows() -> None:
    having = {name for name in tiny.GRID if windows(tiny.config(name))}
    assert having == {"modernbert", "gemma2", "gemma3", "mistral"}
