from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import (
    AlbertConfig,
    AlbertModel,
    DebertaConfig,
    DebertaModel,
    EncoderDecoderModel,
    MixtralConfig,
    MixtralModel,
    Phi3Config,
    Phi3Model,
)

from pefbench.errors import MethodError
from pefbench.models import architecture as structure
from pefbench.models import linear_layers, sublayers
from pefbench.models.sublayers import FeedForward
from tests import tiny

FIRST_BLOCK = {
    "bert": (
        "bert.encoder.layer.0",
        ["attention.output.dense"],
        FeedForward(("intermediate.dense",), "output.dense"),
    ),
    "distilbert": (
        "distilbert.transformer.layer.0",
        ["attention.out_lin"],
        FeedForward(("ffn.lin1",), "ffn.lin2"),
    ),
    "modernbert": ("model.layers.0", ["attn.Wo"], FeedForward(("mlp.Wi",), "mlp.Wo")),
    "gpt2": ("transformer.h.0", ["attn.c_proj"], FeedForward(("mlp.c_fc",), "mlp.c_proj")),
    "llama": (
        "model.layers.0",
        ["self_attn.o_proj"],
        FeedForward(("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj"),
    ),
    "t5": (
        "encoder.block.0",
        ["layer.0.SelfAttention.o"],
        FeedForward(("layer.1.DenseReluDense.wi",), "layer.1.DenseReluDense.wo"),
    ),
    "bart": ("model.encoder.layers.0", ["self_attn.out_proj"], FeedForward(("fc1",), "fc2")),
}


LAST_DECODER_BLOCK = {
    "t5": (
        "decoder.block.1",
        ["layer.0.SelfAttention.o", "layer.1.EncDecAttention.o"],
        FeedForward(("layer.2.DenseReluDense.wi",), "layer.2.DenseReluDense.wo"),
    ),
    "t5-gated": (
        "decoder.block.1",
        ["layer.0.SelfAttention.o", "layer.1.EncDecAttention.o"],
        FeedForward(("layer.2.DenseReluDense.wi_0", "layer.2.DenseReluDense.wi_1"), "layer.2.DenseReluDense.wo"),
    ),
    "bart": (
        "model.decoder.layers.1",
        ["self_attn.out_proj", "encoder_attn.out_proj"],
        FeedForward(("fc1",), "fc2"),
    ),
}


def _under(block: str, feed_forward: FeedForward) -> FeedForward:
    return FeedForward(tuple(f"{block}.{name}" for name in feed_forward.inputs), f"{block}.{feed_forward.output}")


@pytest.mark.parametrize("architecture", FIRST_BLOCK)
def test_first_block(architecture: str) -> None:
    block, attentions, feed_forward = FIRST_BLOCK[architecture]
    model = tiny.model(architecture)
    assert structure.blocks(model)[0] == block
    assert sublayers.attention_outputs(model)[: len(attentions)] == [f"{block}.{name}" for name in attentions]
    assert sublayers.feed_forwards(model)[0] == _under(block, feed_forward)


@pytest.mark.parametrize("architecture", LAST_DECODER_BLOCK)
def test_last_decoder_block_has_cross_attention(architecture: str) -> None:
    block, attentions, feed_forward = LAST_DECODER_BLOCK[architecture]
    model = tiny.model(architecture)
    assert structure.blocks(model)[-1] == block
    assert sublayers.attention_outputs(model)[-2:] == [f"{block}.{name}" for name in attentions]
    assert sublayers.feed_forwards(model)[-1] == _under(block, feed_forward)


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_one_feed_forward_a_block_and_one_or_two_attentions(architecture: str) -> None:
    model = tiny.model(architecture)
    stacks = 2 if architecture in tiny.ENCODER_DECODERS else 1
    assert len(structure.blocks(model)) == len(sublayers.feed_forwards(model)) == stacks * tiny.LAYERS
    assert len(sublayers.attention_outputs(model)) == (3 if stacks == 2 else 1) * tiny.LAYERS


def test_warm_started_encoder_decoder_has_both_stacks() -> None:
    decoder = tiny.causal_lm("bert", is_decoder=True, add_cross_attention=True)
    encoder: Any = structure.backbone(tiny.model("bert"))
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    assert structure.head_modules(model) == []
    assert structure.blocks(model)[::2] == ["encoder.encoder.layer.0", "decoder.bert.encoder.layer.0"]
    assert sublayers.attention_outputs(model)[-2:] == [
        "decoder.bert.encoder.layer.1.attention.output.dense",
        "decoder.bert.encoder.layer.1.crossattention.output.dense",
    ]


def test_a_group_of_one_layer_is_looked_through() -> None:
    albert = AlbertModel(AlbertConfig(vocab_size=64, embedding_size=8, hidden_size=16, num_attention_heads=2))
    layer = "encoder.albert_layer_groups.0.albert_layers.0"
    assert sublayers.attention_outputs(albert) == [f"{layer}.attention.dense"]
    assert sublayers.feed_forwards(albert) == [FeedForward((f"{layer}.ffn",), f"{layer}.ffn_output")]


def test_fused_projections_that_look_like_a_gated_feed_forward() -> None:
    # with half as many key heads, fused q, k, v are twice as wide as what the output projection reads
    config = Phi3Config(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=40,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
    )
    model = Phi3Model(config)
    assert linear_layers.features(model.get_submodule("layers.0.self_attn.qkv_proj")) == (16, 32)
    assert sublayers.attention_outputs(model) == ["layers.0.self_attn.o_proj"]
    assert sublayers.feed_forwards(model) == [FeedForward(("layers.0.mlp.gate_up_proj",), "layers.0.mlp.down_proj")]


WIDTH_FIELDS = {
    "bert": ["intermediate_size"],
    "distilbert": ["hidden_dim"],
    "modernbert": ["intermediate_size"],
    "gpt2": ["n_inner"],
    "llama": ["intermediate_size"],
    "t5": ["d_ff"],
    "t5-gated": ["d_ff"],
    "bart": ["encoder_ffn_dim", "decoder_ffn_dim"],
}


@settings(max_examples=40, deadline=None)
@given(architecture=st.sampled_from(sorted(WIDTH_FIELDS)), width=st.integers(1, 4 * tiny.HIDDEN))
def test_names_do_not_depend_on_the_width_of_the_feed_forward(architecture: str, width: int) -> None:
    model = tiny.model(architecture, **dict.fromkeys(WIDTH_FIELDS[architecture], width))
    usual = tiny.model(architecture)
    assert sublayers.feed_forwards(model) == sublayers.feed_forwards(usual)
    assert sublayers.attention_outputs(model) == sublayers.attention_outputs(usual)


@settings(max_examples=20, deadline=None)
@given(heads=st.sampled_from([1, 2, 4]), groups=st.sampled_from([1, 2, 4]), size=st.integers(1, 16))
def test_names_do_not_depend_on_the_heads(heads: int, groups: int, size: int) -> None:
    key_heads = max(1, heads // groups)
    model = tiny.model("llama", num_attention_heads=heads, num_key_value_heads=key_heads, head_dim=2 * size)
    assert sublayers.attention_outputs(model) == sublayers.attention_outputs(tiny.model("llama"))


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_each_feed_forward_runs_from_its_inputs_to_its_output(architecture: str) -> None:
    model = tiny.model(architecture)
    called: list[str] = []
    expected: list[str] = []
    for feed_forward in sublayers.feed_forwards(model):
        for name in (*feed_forward.inputs, feed_forward.output):
            expected.append(name)

            def note(_module: nn.Module, _inputs: tuple[Tensor, ...], name: str = name) -> None:
                called.append(name)

            model.get_submodule(name).register_forward_pre_hook(note)
    model(**tiny.batch(architecture))
    assert called == expected


KEYS_AND_VALUES = {
    "bert": ["attention.self.key", "attention.self.value"],
    "roberta": ["attention.self.key", "attention.self.value"],
    "deberta-v2": ["attention.self.key_proj", "attention.self.value_proj"],  # and not those of relative positions
    "electra": ["attention.self.key", "attention.self.value"],
    "distilbert": ["attention.k_lin", "attention.v_lin"],
    "modernbert": ["attn.Wqkv"],
    "gpt2": ["attn.c_attn"],
    "llama": ["self_attn.k_proj", "self_attn.v_proj"],
    "qwen2": ["self_attn.k_proj", "self_attn.v_proj"],
    "t5": ["layer.0.SelfAttention.k", "layer.0.SelfAttention.v"],
    "t5-gated": ["layer.0.SelfAttention.k", "layer.0.SelfAttention.v"],
    "bart": ["self_attn.k_proj", "self_attn.v_proj"],
    "marian": ["self_attn.k_proj", "self_attn.v_proj"],
}


FUSED = ("modernbert", "gpt2")


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_keys_and_values(architecture: str) -> None:
    model = tiny.model(architecture)
    expected = [f"{structure.blocks(model)[0]}.{name}" for name in KEYS_AND_VALUES[architecture]]
    found = sublayers.keys_and_values(model)
    assert found[: len(expected)] == expected
    assert len(found) == len(set(found)) == len(expected) * len(sublayers.attentions(model))


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_without_keys_and_values_an_attention_passes_nothing_on(architecture: str) -> None:
    model = tiny.model(architecture)
    written: list[Tensor] = []
    with torch.no_grad():
        for name in sublayers.keys_and_values(model):
            for weight in model.get_submodule(name).parameters():
                weight.zero_()
        for name in sublayers.attention_outputs(model):
            model.get_submodule(name).register_forward_pre_hook(lambda _, inputs: written.append(inputs[0]))
        model(**tiny.batch(architecture))
    assert len(written) == len(sublayers.attentions(model))
    assert not any(each.any() for each in written)


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_queries(architecture: str) -> None:
    model = tiny.model(architecture)
    if architecture in FUSED:
        with pytest.raises(MethodError, match=r"(Wqkv|c_attn): no linear layer for the queries alone"):
            sublayers.queries(model)
        return
    found = sublayers.queries(model)
    assert len(set(found)) == len(sublayers.attentions(model))
    assert {name.rpartition(".")[2] for name in found} <= {"query", "query_proj", "q_lin", "q_proj", "q"}


def test_fused_keys_and_values_beside_queries() -> None:
    model = tiny.causal_lm("gpt2", add_cross_attention=True)
    assert sublayers.keys_and_values(model)[:2] == [
        "transformer.h.0.attn.c_attn",
        "transformer.h.0.crossattention.c_attn",
    ]
    with pytest.raises(MethodError, match=r"h\.0\.attn\.c_attn: no linear layer for the queries alone"):
        sublayers.queries(model)


def test_fused_projections_beside_layers_of_positions() -> None:
    model = DebertaModel(
        DebertaConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=40,
            num_hidden_layers=1,
            num_attention_heads=2,
            relative_attention=True,
            pos_att_type=["p2c", "c2p"],
        )
    )
    assert sublayers.keys_and_values(model) == ["encoder.layer.0.attention.self.in_proj"]


def test_names_that_say_nothing_are_refused() -> None:
    model = tiny.model("llama")
    for layer in structure.blocks(model):
        attention: Any = model.get_submodule(f"{layer}.self_attn")
        layers = [attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj]
        del attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj
        for i, linear in enumerate(layers):
            attention.add_module(f"map{i}", linear)
    with pytest.raises(MethodError, match=r"map2: cannot tell which of them are the keys and values") as caught:
        sublayers.keys_and_values(model)
    assert "\n" not in str(caught.value)


def test_names_stay_when_peft_wraps_norms_and_linear_layers() -> None:
    from peft import IA3Config, get_peft_model

    model = tiny.model("bert")
    before = [structure.norms(model), sublayers.keys_and_values(model), sublayers.queries(model)]
    for norm in structure.norms(model):
        wrapper = nn.Module()
        wrapper.base_layer = model.get_submodule(norm)
        model.set_submodule(norm, wrapper)
    targets = sublayers.keys_and_values(model)
    wrapped = get_peft_model(model, IA3Config(target_modules=targets, feedforward_modules=[])).get_base_model()
    assert [structure.norms(wrapped), sublayers.keys_and_values(wrapped), sublayers.queries(wrapped)] == before


def test_quantised_linear_layers_count() -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    model = tiny.model("llama")
    expected = structure.linear_modules(model)
    for i, name in enumerate(expected):
        reads, writes = linear_layers.features(model.get_submodule(name))
        kind = bitsandbytes.nn.Linear4bit if i % 2 else bitsandbytes.nn.Linear8bitLt
        model.set_submodule(name, kind(reads, writes))
    assert structure.linear_modules(model) == expected
    assert all(linear_layers.is_quantised(model.get_submodule(name)) for name in expected)
    assert len(sublayers.feed_forwards(model)) == tiny.LAYERS


def test_a_block_of_another_shape_is_refused_with_what_was_found() -> None:
    config = MixtralConfig(
        vocab_size=64, hidden_size=16, intermediate_size=40, num_hidden_layers=1, num_attention_heads=2
    )
    experts = MixtralModel(config)
    with pytest.raises(MethodError, match=r"layers\.0 is not made of attentions .* self_attn\.q_proj 16->16") as caught:
        sublayers.feed_forwards(experts)
    assert "\n" not in str(caught.value)
    assert structure.linear_modules(experts)[0] == "layers.0.self_attn.q_proj"
