from __future__ import annotations

from typing import Any

import pytest
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    Llama4ForCausalLM,
    Llama4TextConfig,
)
from transformers.models.mamba2.modeling_mamba2 import MambaRMSNormGated
from transformers.pytorch_utils import Conv1D

from pefbench.errors import MethodError
from pefbench.models import architecture as structure
from pefbench.registry import find
from pefbench.trial import build
from tests import tiny

LINEAR_LAYERS_PER_MODEL = {
    "bert": 12,  # 2 layers of query, key, value, output, intermediate, output
    "deberta-v2": 16,  # and the two of relative positions
    "distilbert": 12,
    "modernbert": 8,  # fused queries, keys and values; fused gate
    "gpt2": 8,
    "llama": 14,
    "t5": 2 * 6 + 2 * 10,
    "bart": 2 * 6 + 2 * 10,
}


@pytest.mark.parametrize("architecture", LINEAR_LAYERS_PER_MODEL)
def test_linear_modules_are_all_those_of_the_blocks_and_no_other(architecture: str) -> None:
    model = tiny.model(architecture)
    names = structure.linear_modules(model)
    assert len(names) == len(set(names)) == LINEAR_LAYERS_PER_MODEL[architecture]
    assert all(isinstance(model.get_submodule(name), nn.Linear | Conv1D) for name in names)
    outside = [*structure.head_modules(model), "pooler", "lm_head", "embed", "shared"]
    assert not [name for name in names if any(part in outside for part in name.split("."))]


@pytest.mark.parametrize(
    ("architecture", "backbone", "token_head", "sequence_head"),
    [
        ("bert", "bert", ["classifier"], ["classifier"]),
        ("roberta", "roberta", ["classifier"], ["classifier"]),
        ("deberta-v2", "deberta", ["classifier"], ["pooler", "classifier"]),
        ("electra", "electra", ["classifier"], ["classifier"]),
        ("distilbert", "distilbert", ["classifier"], ["pre_classifier", "classifier"]),
        ("modernbert", "model", ["head", "classifier"], ["head", "classifier"]),
        ("gpt2", "transformer", ["classifier"], ["score"]),
        ("llama", "model", ["score"], ["score"]),
        ("t5", "transformer", ["classifier"], ["classification_head"]),
    ],
)
def test_backbone_and_heads(architecture: str, backbone: str, token_head: list[str], sequence_head: list[str]) -> None:
    model = tiny.token_classifier(architecture)
    assert structure.backbone_name(model) == backbone
    assert structure.backbone(model) is getattr(model, backbone)
    assert structure.head_modules(model) == token_head
    assert structure.head_modules(tiny.sequence_classifier(architecture)) == sequence_head


@pytest.mark.parametrize("architecture", tiny.DECODERS + tiny.ENCODER_DECODERS)
@pytest.mark.parametrize("tied", [True, False])
def test_language_models_have_no_fresh_head(architecture: str, tied: bool) -> None:
    assert structure.head_modules(tiny.model(architecture, tie_word_embeddings=tied)) == []


def test_a_head_beside_encoder_and_decoder() -> None:
    assert structure.head_modules(AutoModelForQuestionAnswering.from_config(tiny.config("t5"))) == ["qa_outputs"]
    assert structure.head_modules(AutoModel.from_config(tiny.config("t5"))) == []


def test_a_bare_model_is_its_own_backbone() -> None:
    bare = structure.backbone(tiny.model("bert"))
    assert structure.backbone_name(bare) == ""
    assert structure.backbone(bare) is bare
    assert structure.blocks(bare) == ["encoder.layer.0", "encoder.layer.1"]
    assert structure.head_modules(bare) == []


NORMS = {"t5": 12, "t5-gated": 12, "bart": 12, "marian": 10}


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_norms_are_the_vectors_of_the_backbone_that_are_not_biases(architecture: str) -> None:
    model = tiny.model(architecture)
    inside = structure.backbone_name(model)
    vectors = {
        name
        for name, weight in model.named_parameters()
        if weight.ndim == 1 and not name.endswith("bias") and name.startswith(inside)
    }
    found = structure.norms(model)
    assert len(found) == NORMS.get(architecture, 2 * tiny.LAYERS + 1)
    assert {f"{name}.weight" for name in found} == vectors


def test_a_gated_norm_is_one() -> None:
    norm = MambaRMSNormGated(2, 2)
    assert structure.norms(nn.Sequential(norm, nn.Linear(2, 2))) == ["0"]


def test_a_norm_without_weights_is_none() -> None:
    bare = nn.Sequential(nn.LayerNorm(2, elementwise_affine=False), nn.RMSNorm(2), nn.LayerNorm(2), nn.Linear(2, 2))
    assert structure.norms(bare) == ["1", "2"]


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(MethodError, match="Sequential: its backbone has no list"):
        structure.blocks(nn.Sequential(nn.Linear(2, 2)))


def test_fused_experts_are_no_linear_layers() -> None:
    model = tiny.causal_lm("mixtral").requires_grad_(False)
    assert [name.rpartition(".")[2] for name in structure.unlisted_matrices(model)] == ["gate_up_proj", "down_proj"] * 2
    assert {name.rpartition(".")[2] for name in structure.linear_modules(model)} == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    }
    assert structure.unlisted_matrices(tiny.causal_lm("llama").requires_grad_(False)) == {}


@pytest.mark.parametrize(
    ("method", "architecture", "expected"),
    [
        ("lora", "mixtral", "does not adapt the experts, 58 % of the weights"),
        ("full", "mixtral", ""),
        ("ln_tuning", "mixtral", ""),
        ("lora", "xlnet", "does not adapt k, o, q, r, seg_embed, v, 31 % of the weights"),
        ("bitfit", "xlnet", ""),
        ("lora", "llama", ""),
    ],
)
def test_a_method_that_leaves_matrices_out_says_so(method: str, architecture: str, expected: str) -> None:
    how = find("method", method)(name=method)
    said = build.doubts(
        how, how.apply(tiny.model(architecture), "TOKEN_CLS" if architecture == "xlnet" else "CAUSAL_LM")
    )
    assert [expected in line for line in said] == [True] * bool(expected)


def test_a_body_is_found_under_another_name_than_the_class_says() -> None:
    small: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "intermediate_size_mlp": 16,
        "num_hidden_layers": 1,
    }
    heads: dict[str, Any] = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "vocab_size": 16}
    model = Llama4ForCausalLM(Llama4TextConfig(**small, **heads, num_local_experts=1, pad_token_id=0))
    assert structure.backbone(model) is model.model
    assert structure.backbone_name(model.model) == ""


@pytest.mark.parametrize("architecture", ["marian", "bart"])
def test_full_fine_tuning_leaves_sinusoids_alone(architecture: str) -> None:
    model = tiny.seq2seq_lm(architecture).requires_grad_(requires_grad=False)  # as after merging an adapter
    trained = find("method", "full")(name="full").apply(model, "SEQ_2_SEQ_LM")
    trained(**tiny.batch(architecture)).loss.backward()
    names = {name for name, weight in trained.named_parameters() if weight.requires_grad}
    assert names == {name for name, weight in trained.named_parameters() if weight.grad is not None}
    assert len(names) > 50
