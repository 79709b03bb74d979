"""Tiny random models of every architecture, and batches for them: small enough that a test takes milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from transformers import (
    AlbertConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BartConfig,
    BertConfig,
    BigBirdConfig,
    BloomConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    LEDConfig,
    LlamaConfig,
    LongformerConfig,
    MarianConfig,
    MistralConfig,
    MixtralConfig,
    ModernBertConfig,
    MPNetConfig,
    OPTConfig,
    PhiConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
    T5Config,
    XLNetConfig,
)

if TYPE_CHECKING:
    from collections.abc import Callable

VOCABULARY, HIDDEN, WIDTH, LAYERS, HEADS, LABELS = 64, 16, 40, 2, 2, 3
PAD, START, END = 0, 2, 3

_STACK: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "intermediate_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 64,
}
_TWO_STACKS: dict[str, Any] = {
    "d_model": HIDDEN,
    "encoder_layers": LAYERS,
    "decoder_layers": LAYERS,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": WIDTH,
    "decoder_ffn_dim": WIDTH,
    "max_position_embeddings": 64,
    "decoder_start_token_id": START,
    "forced_eos_token_id": None,
}
_T5: dict[str, Any] = {
    "d_model": HIDDEN,
    "d_kv": 16,  # heads * d_kv != d_model, as in several released T5 models
    "d_ff": WIDTH,
    "num_layers": LAYERS,
    "num_heads": HEADS,
    "decoder_start_token_id": START,
}
_GPT2: dict[str, Any] = {"n_embd": HIDDEN, "n_inner": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64}
_DISTILBERT: dict[str, Any] = {"dim": HIDDEN, "hidden_dim": WIDTH, "n_layers": LAYERS, "n_heads": HEADS}
_DEBERTA: dict[str, Any] = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}

_OPT: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "word_embed_proj_dim": HIDDEN,
    "ffn_dim": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 64,
}
_LED: dict[str, Any] = {key: value for key, value in _TWO_STACKS.items() if key != "max_position_embeddings"} | {
    "max_encoder_position_embeddings": 64,
    "max_decoder_position_embeddings": 64,
    "attention_window": 4,
}

_CONFIGS: dict[str, tuple[Callable[..., PreTrainedConfig], dict[str, Any]]] = {
    "bert": (BertConfig, _STACK),
    "roberta": (RobertaConfig, _STACK),
    "deberta-v2": (DebertaV2Config, _STACK | _DEBERTA),
    "electra": (ElectraConfig, _STACK | {"embedding_size": 8}),
    "distilbert": (DistilBertConfig, _DISTILBERT),
    "modernbert": (ModernBertConfig, _STACK | {"cls_token_id": START, "sep_token_id": END}),
    "gpt2": (GPT2Config, _GPT2),
    "llama": (LlamaConfig, _STACK | {"num_key_value_heads": 1}),
    "qwen2": (Qwen2Config, _STACK | {"num_key_value_heads": 1}),
    "t5": (T5Config, _T5),
    "t5-gated": (T5Config, _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
    "bart": (BartConfig, _TWO_STACKS),
    "marian": (MarianConfig, _TWO_STACKS),
    "albert": (AlbertConfig, _STACK | {"embedding_size": 8}),  # its layers share their weights
    "mpnet": (MPNetConfig, _STACK),
    "bigbird": (BigBirdConfig, _STACK | {"block_size": 4, "num_random_blocks": 1, "sep_token_id": END}),
    "longformer": (LongformerConfig, _STACK | {"attention_window": 4, "sep_token_id": END}),
    "gemma": (GemmaConfig, _STACK | {"num_key_value_heads": 1, "head_dim": 8}),
    "gemma2": (Gemma2Config, _STACK | {"num_key_value_heads": 1, "head_dim": 8, "sliding_window": 4}),
    "gemma3": (Gemma3TextConfig, _STACK | {"num_key_value_heads": 1, "head_dim": 8, "sliding_window": 4}),
    "phi": (PhiConfig, _STACK),
    "mistral": (MistralConfig, _STACK | {"num_key_value_heads": 1}),
    "qwen3": (Qwen3Config, _STACK | {"num_key_value_heads": 1, "head_dim": 8}),
    "mixtral": (MixtralConfig, _STACK | {"num_key_value_heads": 1, "num_local_experts": 2, "num_experts_per_tok": 1}),
    "opt": (OPTConfig, _OPT),
    "gpt-neox": (GPTNeoXConfig, _STACK),
    "bloom": (BloomConfig, {"hidden_size": HIDDEN, "n_layer": LAYERS, "n_head": HEADS}),
    "led": (LEDConfig, _LED),
    "xlnet": (XLNetConfig, {"d_model": HIDDEN, "d_inner": WIDTH, "n_layer": LAYERS, "n_head": HEADS}),
}

ENCODERS = ("bert", "roberta", "deberta-v2", "electra", "distilbert", "modernbert")
DECODERS = ("gpt2", "llama", "qwen2")
ENCODER_DECODERS = ("t5", "t5-gated", "bart", "marian")
EVERY = ENCODERS + DECODERS + ENCODER_DECODERS
"""The architectures that most tests try."""
MORE_ENCODERS = ("albert", "mpnet", "bigbird", "longformer", "xlnet")
MORE_DECODERS = ("gemma", "gemma2", "gemma3", "phi", "mistral", "qwen3", "mixtral", "opt", "gpt-neox", "bloom")
MORE_PAIRS = ("led",)
GRID = EVERY + MORE_ENCODERS + MORE_DECODERS + MORE_PAIRS
"""The architectures in the grid of methods and architectures."""


def config(architecture: str, **changes: object) -> PreTrainedConfig:
    """Return the tiny configuration of an architecture. `changes` are fields of its own configuration class."""
    make, fields = _CONFIGS[architecture]
    tokens = {"vocab_size": VOCABULARY, "pad_token_id": PAD, "bos_token_id": START, "eos_token_id": END}
    return make(**(tokens | fields | {"num_labels": LABELS} | changes))


def token_classifier(architecture: str, seed: int = 0, **changes: object) -> PreTrainedModel:
    return _build(AutoModelForTokenClassification, architecture, seed, changes)


def sequence_classifier(architecture: str, seed: int = 0, **changes: object) -> PreTrainedModel:
    return _build(AutoModelForSequenceClassification, architecture, seed, changes)


def causal_lm(architecture: str, seed: int = 0, **changes: object) -> PreTrainedModel:
    return _build(AutoModelForCausalLM, architecture, seed, changes)


def seq2seq_lm(architecture: str, seed: int = 0, **changes: object) -> PreTrainedModel:
    return _build(AutoModelForSeq2SeqLM, architecture, seed, changes)


def model(architecture: str, seed: int = 0, **changes: object) -> PreTrainedModel:
    """Return the usual model: encoders tag tokens, decoders continue text, encoder-decoders translate."""
    if architecture in ENCODERS + MORE_ENCODERS:
        return token_classifier(architecture, seed, **changes)
    return (causal_lm if architecture in DECODERS + MORE_DECODERS else seq2seq_lm)(architecture, seed, **changes)


def batch(architecture: str, rows: int = 4, length: int = 8, seed: int = 0) -> dict[str, Tensor]:
    """Return a batch for `model(architecture)`: ids, mask and labels, each (rows, length); the last row is padded."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(4, VOCABULARY, (rows, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, length // 2 :] = 0
    ids = ids.masked_fill(mask == 0, PAD)
    labels = ids.clone() if architecture not in ENCODERS + MORE_ENCODERS else ids % LABELS
    return {"input_ids": ids, "attention_mask": mask, "labels": labels.masked_fill(mask == 0, -100)}


def _build(auto: Any, architecture: str, seed: int, changes: dict[str, object]) -> PreTrainedModel:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return cast("PreTrainedModel", auto.from_config(config(architecture, **changes)).eval())
