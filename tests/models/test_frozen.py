"""Frozen weights have the dtype of the computation, and never fp32 if the checkpoint has half precision."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from pefbench import hardware
from pefbench.models import frozen, loading
from pefbench.models.frozen import Frozen
from pefbench.models.patches import dtypes
from pefbench.registry import find
from tests import tiny

if TYPE_CHECKING:
    from torch import nn

    from pefbench.heads import Head
    from pefbench.methods import Method

LANGUAGE = cast("Head", SimpleNamespace(auto_class="AutoModelForCausalLM", task_type="CAUSAL_LM"))
TAGS = cast("Head", SimpleNamespace(auto_class="AutoModelForTokenClassification", task_type="TOKEN_CLS"))
HALF = torch.bfloat16
OPTIONS: dict[str, dict[str, Any]] = {
    "lora": {},
    "lora from the weights": {"name": "lora", "init": "pissa"},
    "dora": {"name": "lora", "dora": True},
    "bitfit": {},
    "vera": {},
    "bottleneck": {},
    "ln_tuning": {},
    "ia3": {},
}


def saved(folder: Path, kind: str, dtype: torch.dtype = HALF, **options: Any) -> Path:
    model: Any = tiny.causal_lm(kind, **options) if kind == "llama" else tiny.token_classifier(kind)
    model.to(dtype).save_pretrained(folder)
    return folder


def load(base: Path, kind: str, keep: Frozen | None, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    head = LANGUAGE if kind == "llama" else TAGS
    return loading.load_pretrained(base, tiny.config(kind, **options), head, attention="eager", keep=keep)


def dtypes_of(model: nn.Module) -> dict[str, torch.dtype]:
    return {name: weight.dtype for name, weight in model.named_parameters()}


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", HALF)])
def test_frozen_linear_layers_are_held_as_they_compute(precision: str, dtype: torch.dtype) -> None:
    model = find("method", "lora")(name="lora").apply(tiny.token_classifier("bert"), "TOKEN_CLS")
    frozen.cast(model, Frozen(precision, r"lora_"))
    for name, weight in model.named_parameters():
        frozen_map = not weight.requires_grad and ".base_layer." in name
        assert weight.dtype == (dtype if frozen_map else torch.float32) or "original_module" in name, name


@pytest.mark.parametrize("tied", [True, False])
def test_half_is_loaded_as_half(tmp_path: Path, tied: bool) -> None:
    base = saved(tmp_path, "llama", tie_word_embeddings=tied)
    held = dtypes_of(load(base, "llama", Frozen("bf16", "lora_"), tie_word_embeddings=tied))
    half = {name for name, dtype in held.items() if dtype == HALF}
    assert half == {name for name in held if name.endswith("_proj.weight") or name == "lm_head.weight"}
    assert ("lm_head.weight" in held) is not tied
    assert held["model.embed_tokens.weight"] == held["model.norm.weight"] == torch.float32


@pytest.mark.parametrize(
    ("keep", "dtype"),
    [(None, HALF), (Frozen("fp32", "lora_"), HALF), (Frozen("bf16", ""), HALF), (Frozen("bf16", "x"), torch.float32)],
    ids=["merged adapters", "arithmetic in fp32", "all of it trained", "a checkpoint in fp32"],
)
def test_what_is_needed_in_fp32_is_loaded_in_it(tmp_path: Path, keep: Frozen | None, dtype: torch.dtype) -> None:
    held = dtypes_of(load(saved(tmp_path, "llama", dtype), "llama", keep))
    assert set(held.values()) == {torch.float32}


def test_a_head_is_loaded_in_fp32(tmp_path: Path) -> None:
    held = dtypes_of(load(saved(tmp_path, "bert"), "bert", Frozen("bf16", "lora_")))
    assert held["classifier.weight"] == torch.float32
    assert held["bert.encoder.layer.0.attention.self.query.weight"] == HALF


@pytest.mark.parametrize("kind", ["bert", "llama"])
@pytest.mark.parametrize("name", OPTIONS)
def test_no_number_depends_on_how_it_was_loaded(tmp_path: Path, kind: str, name: str) -> None:
    """The frozen weights are those that casting later gives, and what is trained is in fp32 either way."""
    if name == "bitfit" and kind == "llama":
        pytest.skip("it has no biases")
    base, found = saved(tmp_path, kind), []
    for keeps in (True, False):
        method: Method = find("method", OPTIONS[name].get("name", name))(**{"name": name} | OPTIONS[name])
        keep = Frozen("bf16", method.trainable_pattern)
        model = method.apply(load(base, kind, keep if keeps else None), "TOKEN_CLS" if kind == "bert" else "CAUSAL_LM")
        method.on_model_ready(model)
        frozen.cast(model, keep)
        assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}
        found.append({name: weight for name, weight in model.named_parameters() if not weight.requires_grad})
    early, late = found
    assert early.keys() == late.keys()
    for key, weight in early.items():
        assert weight.dtype == late[key].dtype, key
        assert torch.equal(weight, late[key]), key


def test_what_is_frozen_is_counted_by_dtype(tmp_path: Path) -> None:
    model = load(saved(tmp_path, "llama", tie_word_embeddings=False), "llama", None, tie_word_embeddings=False)
    everything = loading.count(model)
    assert frozen.held(model) == {}, "all of it can be trained"
    model = find("method", "lora")(name="lora").apply(model, "CAUSAL_LM")
    assert frozen.held(model) == {"float32": everything}
    frozen.cast(model, Frozen("bf16", "lora_"))
    held = frozen.held(model)
    assert held.keys() == {"float32", "bfloat16"}
    assert sum(held.values()) == everything
    assert held["bfloat16"] > 0.5 * everything


def test_the_plan_is_undone_after_an_error() -> None:
    stock = PreTrainedModel._get_dtype_plan
    with pytest.raises(ZeroDivisionError):
        _fail_inside()
    assert PreTrainedModel._get_dtype_plan is stock


def _fail_inside() -> None:
    with dtypes.planned(HALF, lambda _: ["a.b"]):
        plan: Any = PreTrainedModel._get_dtype_plan
        assert plan(tiny.model("bert"), torch.float32) == {r"^a\.b$": HALF}
        raise ZeroDivisionError


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no peaks here")
def test_loading_takes_the_memory_of_half(tmp_path: Path) -> None:
    config = LlamaConfig(
        vocab_size=1000,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=6,
        num_attention_heads=12,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in LlamaForCausalLM(config).named_parameters()}
    save_file({name: torch.zeros(shape, dtype=HALF) for name, shape in shapes.items()}, tmp_path / loading.WEIGHTS)
    config.save_pretrained(tmp_path)
    size = (tmp_path / loading.WEIGHTS).stat().st_size
    assert size > 80 * 10**6
    keep = Frozen("bf16", "lora_")
    gc.collect()
    hardware.give_back_memory()
    before = hardware.used_memory()
    hardware.reset_peak()
    model = loading.load_pretrained(tmp_path, config, LANGUAGE, attention="eager", keep=keep)
    for weight in model.parameters():  # what lies in the file is in memory once it is looked at
        weight.sum()
    taken = hardware.peak_memory() - before
    assert 0.9 * size < taken < 1.15 * size, "in fp32 it takes three times as much"
