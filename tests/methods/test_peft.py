"""Every type of PEFT by its name: it works on a model, or is refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import PeftType
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

from pefbench.errors import MethodError
from pefbench.methods._peft_types import REFUSED
from pefbench.methods.peft import Peft
from tests import tiny
from tests.methods import trial

if TYPE_CHECKING:
    from pathlib import Path

# What PEFT itself has, whatever tuners of ours were registered before this test.
TYPES = [kind.value for kind in PeftType if PEFT_TYPE_TO_CONFIG_MAPPING[kind].__module__.startswith("peft.")]
FOUR = {"num_virtual_tokens": 4}
OPTIONS: dict[str, dict[str, Any]] = {
    "ADAMSS": {"r": 8, "num_subspaces": 2},
    "ADAPTION_PROMPT": {"adapter_len": 4, "adapter_layers": 1},
    "C3A": {"block_size": 8},
    "CARTRIDGE": FOUR,
    "FOURIERFT": {"n_frequency": 50},
    "GRALORA": {"r": 4},
    "HIRA": {"r": 4},
    "LILY": {"r": 4},
    "MISS": {"r": 8},
    "OFT": {"oft_block_size": 4, "r": 0},
    "PEANUT": {"r": 4},
    "PREFIX_TUNING": FOUR,
    "PROMPT_TUNING": FOUR,
    "PSOFT": {"r": 4, "psoft_alpha": 4},
    "P_TUNING": FOUR | {"encoder_hidden_size": 8},
    "RANDLORA": {"r": 4, "randlora_alpha": 8},
    "ROAD": {"group_size": 8},
    "SHADOW": {"r": 4, "auxiliary_loss_weight": 0},
    "SHIRA": {"r": 2},
    "TRAINABLE_TOKENS": {"token_indices": [4, 5, 6, 7, 8]},
    "VBLORA": {"vector_length": 8, "num_vectors": 16},
    "WAVEFT": {"n_frequency": 50},
}
"""What tiny models need: PEFT's defaults are for wider ones."""
ONE_LAYER: dict[str, dict[str, Any]] = {
    "bert": {"num_hidden_layers": 1},
    "llama": {"num_hidden_layers": 1},
    "t5": {"num_layers": 1},
}
UNFIT = {
    (
        "ADAPTION_PROMPT",
        "bert",
    ): r"ADAPTION_PROMPT does not work on Bert\w+: PEFT trains no head beside it \(classifier",
    ("ADAPTION_PROMPT", "t5"): r"does not work on T5\w+: Unsupported model type for adaption prompt: 't5'",
    ("SHADOW", "bert"): r"SHADOW does not work on Bert\w+: Unable to automatically find a `nn.ModuleList` of decoder",
    ("SHADOW", "t5"): r"SHADOW does not work on T5\w+: Unable to automatically find a `nn.ModuleList` of decoder",
    ("TRAINABLE_TOKENS", "bert"): r"TRAINABLE_TOKENS does not work on Bert\w+: PEFT trains no head beside it \(class",
}
"""Types that do not fit a model, and why."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:Failed to load the CUDA extension"),
    pytest.mark.filterwarnings("ignore:Setting boft_n_butterfly_factor to 1"),
    pytest.mark.filterwarnings("ignore:Detected that the base layer has no bias term"),
    pytest.mark.filterwarnings("ignore:Unsupported layer type '<class '.*Norm'>' encountered"),
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled"),
]


def peft(kind: str, **options: Any) -> Peft:
    return Peft(name="peft", type=kind, options=OPTIONS.get(kind, {}) | options)


@pytest.mark.sample(30)
@pytest.mark.parametrize("architecture", ONE_LAYER)
@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in REFUSED])
def test_every_type_works_or_says_why_not(kind: str, architecture: str, tmp_path: Path) -> None:
    how = peft(kind)
    reason = UNFIT.get((kind, architecture))
    if reason is None:
        trial.check(how, architecture, tmp_path, **ONE_LAYER[architecture])
        return
    with pytest.raises(MethodError, match=reason) as refusal:
        trial.applied(how, architecture)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_types_that_need_more_than_a_configuration(kind: str) -> None:
    assert kind in TYPES
    with pytest.raises(MethodError, match=rf"^method.type: {kind} does not work here: .+$"):
        peft(kind)


@pytest.mark.parametrize("kind", ["FOURIERFT", "VERA", "HRA", "PREFIX_TUNING"])
def test_deberta_in_bf16(kind: str, tmp_path: Path) -> None:
    trial.check(peft(kind), "deberta-v2", tmp_path, precision="bf16")


@pytest.mark.parametrize("kind", ["HRA", "DEFT", "FOURIERFT", "VERA", "LORA", "LN_TUNING"])
def test_quantised_weights_are_never_taken_for_numbers(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    tiny.causal_lm("llama", num_hidden_layers=1).save_pretrained(tmp_path)
    quantise = BitsAndBytesConfig(load_in_8bit=True)
    base = AutoModelForCausalLM.from_pretrained(tmp_path, quantization_config=quantise, dtype=torch.float32)
    expected = trial.predicted(base, "llama")
    if kind in {"HRA", "DEFT", "FOURIERFT"}:
        with pytest.raises(
            MethodError, match=rf"{kind} does not work on .*: it is quantised, which PEFT's implementation does not"
        ):
            peft(kind).apply(base, "CAUSAL_LM")
    else:
        start = trial.predicted(peft(kind).apply(base, "CAUSAL_LM").eval(), "llama")
        torch.testing.assert_close(start, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "vectors"), [("IA3", ".ia3_l."), ("BOFT", ".boft_s.")])
def test_scale_vectors_are_not_decayed(kind: str, vectors: str) -> None:
    how = peft(kind)
    model = how.apply(tiny.model("bert"), "TOKEN_CLS")
    groups = how.parameter_groups(model, 1e-3, 0.1)
    decayed = {id(weight) for group in groups if group["weight_decay"] for weight in group["params"]}
    names = {name for name, weight in model.named_parameters() if id(weight) in decayed}
    assert any(name.endswith("classifier.modules_to_save.default.weight") for name in names)
    assert not [name for name in names if vectors in name]
    assert sum(len(group["params"]) for group in groups) == len(trial.trained_names(model))


def test_a_type_in_small_letters() -> None:
    assert peft("lora", r=4).type == "LORA"


def test_options_reach_peft(tmp_path: Path) -> None:
    how = peft("LORA", r=3, bias="lora_only", target_modules=["query", "value"])
    model: Any = trial.check(how, "bert", tmp_path)
    config = model.peft_config["default"]
    assert (config.r, config.target_modules) == (3, {"query", "value"})
    assert sum(name.endswith("query.base_layer.bias") for name in trial.trained_names(model)) == tiny.LAYERS


def test_every_bias_may_be_trained(tmp_path: Path) -> None:
    model = trial.check(peft("HRA", bias="all"), "bert", tmp_path)
    assert any(name.endswith("LayerNorm.bias") for name in trial.trained_names(model))


@pytest.mark.parametrize(("kind", "expected"), [("P_TUNING", 4), ("CARTRIDGE", 4), ("ADAPTION_PROMPT", 0), ("LORA", 0)])
def test_virtual_tokens(kind: str, expected: int) -> None:
    assert peft(kind).virtual_tokens() == expected


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("RANDLORRA", {}, "method.type: unknown 'RANDLORRA'; did you mean 'RANDLORA'. valid: ADAMSS, .*WAVEFT$"),
        ("HRA", {"rank": 4}, "method.options.rank: unknown to HRA; .*valid: apply_GS, .* r, target_modules$"),
        ("LORA", {"task_type": "CAUSAL_LM"}, "method.options.task_type: unknown to LORA"),
        ("LORA", {"init_lora_weights": "pissa"}, "method.options.init_lora_weights: only true, false and gaussian"),
        ("PROMPT_TUNING", {"num_virtual_tokens": "4"}, "method.options.num_virtual_tokens: the type needs .*'4'"),
        ("ADAMSS", {"use_asa": True}, "method.options.use_asa: subspaces are dropped after each step"),
        ("SHADOW", {"auxiliary_loss_weight": 0.05}, "method.options.auxiliary_loss_weight: must be 0"),
    ],
)
def test_mistakes_that_the_recipe_shows(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        peft(kind, **options)


@pytest.mark.parametrize(
    ("kind", "architecture", "options", "message"),
    [
        ("HRA", "gpt2", {}, r"HRA does not work on GPT2LMHeadModel: Target module Conv1D\(.*\) is not supported"),
        ("MISS", "bert", {"r": 64}, r"does not work on Bert\w+: `r` \(64\) must be less than or equal to in_features"),
        ("C3A", "bert", {"block_size": 7}, r"does not work on Bert\w+: The block size should be a factor"),
        ("LORA", "llama", {"target_modules": ["query"]}, r"does not work on Llama\w+: Target modules .* not found"),
        ("VBLORA", "bert", {"vector_length": 7}, r"does not work on Bert\w+: .*in_features.*divisible by.*7"),
    ],
)
def test_mistakes_that_the_model_shows(kind: str, architecture: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        trial.applied(peft(kind, **options), architecture)
