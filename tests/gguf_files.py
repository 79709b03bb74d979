"""Tiny models written as GGUF files, in the layout that llama.cpp gives Llama models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.tokenizers import CHAT, single_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

PIECES = 261
"""Single bytes, four special tokens, and what the one merge makes."""
NO_TEXT = "\N{LATIN SMALL LETTER Y WITH DIAERESIS}"  # stands for the byte 255, which is in no text
NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
    "model.layers.": "blk.",
}


def write(file: Path, model: Any, *, chat_template: str | None = CHAT) -> None:
    """Write a Llama of transformers in fp32, with a tokenizer of single bytes, `PIECES` pieces."""
    from gguf import GGUFWriter

    config = model.config
    writer = GGUFWriter(file, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, chat_template)
    for name, weight in model.state_dict().items():
        if name != "lm_head.weight" or not config.tie_word_embeddings:
            writer.add_tensor(_renamed(name), _laid_out(name, weight, config).contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: Any, chat_template: str | None) -> None:
    vocabulary = single_bytes().get_vocab()
    pieces = [*sorted(vocabulary, key=lambda piece: vocabulary[piece]), 2 * NO_TEXT]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(pieces)
    writer.add_token_types([3 if i < 4 else 1 for i in range(len(pieces))])  # control tokens, then normal ones
    writer.add_token_merges([f"{NO_TEXT} {NO_TEXT}"])  # the format wants one
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    if chat_template is not None:
        writer.add_chat_template(chat_template)


def _renamed(name: str) -> str:
    for old, new in NAMES.items():
        name = name.replace(old, new)
    return name


def _laid_out(name: str, weight: Tensor, config: Any) -> Tensor:
    """Return queries and keys with the halves of each head's rotation interleaved, as llama.cpp rotates them."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2], 0)
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).reshape(weight.shape) if heads else weight
