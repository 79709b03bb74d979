"""Methods that change or add weights at the model's linear layers, norms and biases."""

from __future__ import annotations

import re
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig

from pefbench.errors import MethodError, RecipeError
from pefbench.methods.bitfit import BitFit
from pefbench.methods.boft import Boft
from pefbench.methods.bottleneck import Bottleneck
from pefbench.methods.compacter import Compacter
from pefbench.methods.full import Full
from pefbench.methods.head_only import HeadOnly
from pefbench.methods.ia3 import Ia3
from pefbench.methods.ln_tuning import LnTuning
from pefbench.methods.loha import LoHa
from pefbench.methods.lokr import LoKr
from pefbench.methods.oft import Oft
from pefbench.models import architecture as structure
from pefbench.models import linear_layers, loading, sublayers
from pefbench.trial import artifacts
from tests import tiny
from tests.methods import trial

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads import Head
    from pefbench.methods import Method

METHODS: dict[str, type[Method]] = {
    "loha": LoHa,
    "lokr": LoKr,
    "oft": Oft,
    "boft": Boft,
    "ia3": Ia3,
    "ln_tuning": LnTuning,
    "bitfit": BitFit,
    "head_only": HeadOnly,
    "compacter": Compacter,
    "bottleneck": Bottleneck,
}
CONV1D, NO_BIASES, NO_HEAD = "Conv1D, which PEFT's", "its backbone has no biases", "it has no head of its own"
REFUSED = (
    {(name, "gpt2"): CONV1D for name in ("loha", "lokr", "oft", "boft")}
    | {("bitfit", architecture): NO_BIASES for architecture in ("modernbert", "llama", "t5", "t5-gated")}
    | {("head_only", architecture): NO_HEAD for architecture in tiny.DECODERS + tiny.ENCODER_DECODERS}
)
KINDS = ("bert", "modernbert", "gpt2", "llama", "t5")  # the grid of the whole project tries every architecture
CELLS = [(name, architecture) for name in METHODS for architecture in KINDS]
TRAINED = [cell for cell in CELLS if cell[1] in {"bert", "gpt2", "t5"} and cell not in REFUSED]
AUTO = {tiny.ENCODERS: "TokenClassification", tiny.DECODERS: "CausalLM", tiny.ENCODER_DECODERS: "Seq2SeqLM"}
TASKS = {tiny.ENCODERS: "TOKEN_CLS", tiny.DECODERS: "CAUSAL_LM", tiny.ENCODER_DECODERS: "SEQ_2_SEQ_LM"}


def of(table: dict[tuple[str, ...], str], architecture: str) -> str:
    return next(value for kinds, value in table.items() if architecture in kinds)


def make(name: str, **options: Any) -> Any:
    return METHODS[name](name=name, **options)


def wrap(name: str, architecture: str, base: nn.Module | None = None, **options: Any) -> Any:
    """Return the tiny model with the method on it, ready to compute."""
    method = make(name, **options)
    torch.manual_seed(1)
    model = method.apply(base or tiny.model(architecture), of(TASKS, architecture)).eval()
    method.on_model_ready(model)
    return model


def shake(model: Any) -> Any:
    """Move every trained weight away from its start."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.1)
    return model


def logits(model: nn.Module, architecture: str) -> Tensor:
    found: Tensor = model(**tiny.batch(architecture)).logits
    return found


def linears(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Return the sizes (in, out) of the linear layers in the blocks."""
    return {name: linear_layers.features(model.get_submodule(name)) for name in structure.linear_modules(model)}


def own_size(model: nn.Module, architecture: str) -> int:
    """Return how many weights are trained beside the head."""
    base = tiny.model(architecture)
    heads = [base.get_submodule(name) for name in structure.head_modules(base)]
    return loading.count(model, trainable=True) - sum(loading.count(head) for head in heads)


@cache
def trained(name: str, architecture: str) -> tuple[Any, list[float], dict[str, Tensor]]:
    """Return a model after two steps, the losses, and its frozen weights from before."""
    model = wrap(name, architecture)
    frozen = {key: weight.detach().clone() for key, weight in model.named_parameters() if not weight.requires_grad}
    groups = make(name).parameter_groups(model, 1e-3, 0.01)
    optimizer = torch.optim.AdamW(groups, lr=METHODS[name].learning_rate)
    losses = []
    for _ in range(3):
        loss = model(**tiny.batch(architecture)).loss
        losses.append(loss.item())
        if len(losses) < 3:
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return model, losses, frozen


@pytest.mark.parametrize(("name", "architecture"), [cell for cell in CELLS if cell not in REFUSED])
def test_trains_what_it_says_and_the_head(name: str, architecture: str) -> None:
    model = wrap(name, architecture)
    heads = structure.head_modules(tiny.model(architecture))
    for key, weight in model.named_parameters():
        in_head = any(key.startswith(f"{head}.") for head in heads) or ".modules_to_save." in key
        assert weight.requires_grad == (in_head or bool(re.search(METHODS[name].trainable_pattern, key))), key
    assert (own_size(model, architecture) == 0) == (name == "head_only")


@pytest.mark.parametrize(("name", "architecture"), REFUSED)
def test_what_cannot_work_is_refused_with_the_reason(name: str, architecture: str) -> None:
    with pytest.raises(MethodError, match=f"method {name} does not work on .*{REFUSED[name, architecture]}") as caught:
        wrap(name, architecture)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "architecture"), TRAINED)
def test_two_steps_lower_the_loss_and_leave_the_rest(name: str, architecture: str) -> None:
    model, losses, frozen = trained(name, architecture)
    assert losses[2] < losses[0]
    now = dict(model.named_parameters())
    assert frozen
    assert not [key for key, weight in frozen.items() if not torch.equal(now[key], weight)]


@pytest.mark.sample(8)
@pytest.mark.parametrize(("name", "architecture"), TRAINED)
def test_what_is_saved_predicts_the_same_when_loaded(name: str, architecture: str, tmp_path: Path) -> None:
    model, _, _ = trained(name, architecture)
    tiny.model(architecture).save_pretrained(tmp_path / "base")
    assert artifacts.save(model, tmp_path / "saved", make(name)) > 0
    head = cast("Head", SimpleNamespace(auto_class=f"AutoModelFor{of(AUTO, architecture)}"))
    config = AutoConfig.from_pretrained(tmp_path / "base")
    attention = tiny.model(architecture).config._attn_implementation
    loaded = artifacts.load_saved(tmp_path / "saved", tmp_path / "base", config, head, attention=str(attention))
    make(name).on_model_ready(loaded)
    with torch.no_grad():
        assert torch.equal(logits(loaded.eval(), architecture), logits(model, architecture))
        assert not torch.equal(logits(model, architecture), logits(tiny.model(architecture), architecture))


@pytest.mark.parametrize(("name", "architecture"), [cell for cell in TRAINED if METHODS[cell[0]].merges])
def test_merged_predictions_are_the_same(name: str, architecture: str) -> None:
    model = shake(wrap(name, architecture))
    with torch.no_grad():
        expected = logits(model, architecture)
        model.merge_adapter()
        torch.testing.assert_close(logits(model, architecture), expected, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(expected, logits(tiny.model(architecture), architecture), atol=1e-3)


@pytest.mark.parametrize("name", ["loha", "lokr", "oft", "boft"])
def test_an_adapted_map_returns_the_dtype_of_autocast(name: str) -> None:
    model = shake(wrap(name, "deberta-v2"))  # which breaks when its queries are fp32 and its scores are not
    exact = logits(model, "deberta-v2")
    returned = []
    query = next(module for key, module in model.named_modules() if key.endswith("query_proj"))
    query.register_forward_hook(lambda _module, _inputs, output: returned.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(**tiny.batch("deberta-v2"))
    output.loss.backward()
    assert returned == [torch.bfloat16]
    torch.testing.assert_close(output.logits.float(), exact, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("name", ["loha", "lokr"])
@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_maps_are_refused_where_peft_cannot_adapt_them(name: str, bits: int) -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    base = tiny.model("llama")
    kind = {4: bitsandbytes.nn.Linear4bit, 8: bitsandbytes.nn.Linear8bitLt}[bits]
    base.set_submodule("model.layers.1.mlp.up_proj", kind(tiny.HIDDEN, tiny.WIDTH))
    with pytest.raises(MethodError, match=rf"{name} does not .*layers\.1\.mlp\.up_proj is quantised, which PEFT's"):
        wrap(name, "llama", base)
    with pytest.raises(MethodError, match=r"full does not work on a quantised LlamaFor.*layers\.1\.mlp\.up_proj"):
        Full(name="full").apply(base, "CAUSAL_LM")
    assert wrap(name, "llama", base, target_modules=["down_proj"])


def test_loha_has_two_pairs_of_factors_for_each_map() -> None:
    base = tiny.model("bert")
    expected = sum(2 * 3 * sum(sizes) for sizes in linears(base).values())
    assert own_size(wrap("loha", "bert", rank=3), "bert") == expected
    for scale in (2.0, 4.0):
        model = shake(wrap("loha", "bert", rank=2, alpha=2 * scale))
        layer = model.get_submodule("base_model.model.bert.encoder.layer.0.attention.self.query")
        first = layer.hada_w1_a["default"] @ layer.hada_w1_b["default"]
        second = layer.hada_w2_a["default"] @ layer.hada_w2_b["default"]
        torch.testing.assert_close(layer.get_delta_weight("default"), scale * first * second)


def test_lokr_is_a_kronecker_product_of_the_size_that_was_asked_for() -> None:
    def layer(**options: Any) -> Any:
        model = shake(wrap("lokr", "bert", **options))
        return model.get_submodule("base_model.model.bert.encoder.layer.0.intermediate.dense")

    default, small = layer(), layer(factor=2, rank=1, alpha=3)
    assert default.lokr_w1["default"].shape == (5, 4)  # 40 = 5 * 8, 16 = 4 * 4
    assert small.lokr_w1["default"].shape == (2, 2)
    low_rank = small.lokr_w2_a["default"] @ small.lokr_w2_b["default"]
    expected = 3 * torch.kron(small.lokr_w1["default"], low_rank)
    torch.testing.assert_close(small.get_delta_weight("default"), expected)
    both = layer(factor=8, rank=1, decompose_both=True)
    assert both.lokr_w1_a["default"].shape == (8, 1)


@pytest.mark.parametrize("name", ["oft", "boft"])
def test_the_default_block_fits_every_map(name: str) -> None:
    blocks = {"oft": ("oft_block_size", 8), "boft": ("boft_block_size", 4)}  # 16 and 40 units have 8 in common
    field, expected = blocks[name]
    config = make(name).config(tiny.model("bert"))
    assert getattr(config, field) == expected
    wide = tiny.model("bert", hidden_size=64, intermediate_size=192)
    assert getattr(make(name).config(wide), field) == {"oft": 32, "boft": 8}[name]
    primes = tiny.model("bert", hidden_size=74, intermediate_size=37 * 4)
    assert make("oft").config(primes).oft_block_size == 2


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("oft", {"block_size": 16}, r"block_size: 16 does not fit \S+layer\.0\.output\.dense, which reads 40 units"),
        ("oft", {"block_size": 3}, r"3 does not fit .* multiple of 3; block sizes that fit all: 2, 4, 8"),
        (
            "boft",
            {"block_size": 8},
            r"8 does not fit \S+output\.dense, .*multiple of 16; block sizes that fit all: 2, 4",
        ),
        ("boft", {"butterfly_factors": 4}, r"read \[16, 40\] units; block sizes that fit all: none"),
    ],
)
def test_blocks_that_do_not_fit_are_refused_with_the_map(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message) as caught:
        wrap(name, "bert", **options)
    assert "\n" not in str(caught.value)


def test_odd_blocks_cannot_be_halved() -> None:
    base = tiny.model("bert", hidden_size=12, intermediate_size=24)
    with pytest.raises(MethodError, match="3 is odd, and 2 factors halve it; block sizes that fit all: 2, 6"):
        wrap("boft", "bert", base, block_size=3)
    assert wrap("boft", "bert", base, block_size=3, butterfly_factors=1)


@pytest.mark.parametrize(("cayley", "orthogonal"), [("exact", 1e-5), ("neumann", 0.2)])
def test_oft_rotates_the_input(cayley: str, orthogonal: float) -> None:
    model = shake(wrap("oft", "bert", cayley=cayley, shared=True))
    layer = model.get_submodule("base_model.model.bert.encoder.layer.0.output.dense")
    rotation = layer.get_delta_weight("default")
    error = float((rotation @ rotation.T - torch.eye(tiny.WIDTH)).detach().abs().max())
    assert error < orthogonal
    assert (error > 1e-5) == (cayley == "neumann")
    assert torch.equal(rotation[:8, :8], rotation[8:16, 8:16])
    assert not rotation[:8, 8:].any()
    assert layer.oft_R["default"].weight.shape == (1, 8 * 7 // 2)


def test_boft_keeps_all_its_factors() -> None:
    config = make("boft").config(tiny.model("bert"))
    assert config.boft_n_butterfly_factor == 2
    model = wrap("boft", "bert")
    assert {weight.shape[0] for key, weight in model.named_parameters() if ".boft_R." in key} == {2}


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_ia3_rescales_keys_values_and_the_input_of_what_leaves_the_feed_forward(architecture: str) -> None:
    base = tiny.model(architecture)
    outputs = [feed_forward.output for feed_forward in sublayers.feed_forwards(base)]
    sizes = linears(base)
    expected = sum(sizes[name][1] for name in sublayers.keys_and_values(base)) + sum(sizes[name][0] for name in outputs)
    model = wrap("ia3", architecture, base)
    assert own_size(model, architecture) == expected
    inside = model.get_base_model()
    assert all(inside.get_submodule(name).is_feedforward for name in outputs)
    assert not any(inside.get_submodule(name).is_feedforward for name in sublayers.keys_and_values(inside))


def test_ia3_by_hand() -> None:
    model = shake(wrap("ia3", "llama"))
    mlp = model.base_model.model.model.layers[1].mlp
    inner = torch.randn(2, 5, tiny.HIDDEN)
    width = nn.functional.silu(mlp.gate_proj(inner)) * mlp.up_proj(inner)
    scaled = mlp.down_proj.base_layer(mlp.down_proj.ia3_l["default"].flatten() * width)
    torch.testing.assert_close(mlp(inner), scaled)


@pytest.mark.parametrize(("name", "vectors"), [("ia3", "ia3_l"), ("boft", "boft_s")])
def test_scale_vectors_are_not_decayed(name: str, vectors: str) -> None:
    model = wrap(name, "bert")
    groups = make(name).parameter_groups(model, 1e-3, 0.1)
    assert sum(len(group["params"]) for group in groups) == sum(weight.requires_grad for weight in model.parameters())
    decayed = {id(weight) for group in groups if group["weight_decay"] for weight in group["params"]}
    names = {key for key, weight in model.named_parameters() if id(weight) in decayed}
    assert "base_model.model.classifier.modules_to_save.default.weight" in names
    assert not [key for key in names if vectors in key]


def test_ln_tuning_trains_a_copy_of_every_norm() -> None:
    model = wrap("ln_tuning", "llama")
    assert own_size(model, "llama") == (2 * tiny.LAYERS + 1) * tiny.HIDDEN
    with model.disable_adapter():
        assert torch.equal(logits(shake(model), "llama"), logits(tiny.model("llama"), "llama"))


def test_a_model_without_norms_is_refused() -> None:
    base = tiny.model("bert")
    for norm in structure.norms(base):
        base.set_submodule(norm, nn.Identity())
    with pytest.raises(MethodError, match="ln_tuning does not work on BertForTokenClassification: it has no norms"):
        wrap("ln_tuning", "bert", base)


def test_bitfit_trains_all_biases_or_the_two_that_matter_most() -> None:
    base = tiny.model("bert")
    biases = [weight.numel() for key, weight in base.bert.named_parameters() if key.endswith("bias")]  # type: ignore[union-attr]
    assert own_size(wrap("bitfit", "bert"), "bert") == sum(biases)
    few = wrap("bitfit", "bert", biases="query_and_mlp")
    chosen = [key for key, weight in few.named_parameters() if weight.requires_grad and key.startswith("bert")]
    layer = "bert.encoder.layer.0"
    assert chosen[:2] == [f"{layer}.attention.self.query.bias", f"{layer}.intermediate.dense.bias"]
    assert len(chosen) == 2 * tiny.LAYERS


@pytest.mark.parametrize(
    ("architecture", "message"),
    [("qwen2", r"gate_proj has no bias"), ("gpt2", r"c_attn: no linear layer for the queries alone")],
)
def test_bitfit_of_biases_that_are_not_there_is_refused(architecture: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        wrap("bitfit", architecture, biases="query_and_mlp")


def test_the_head_beside_a_t5_is_not_its_backbone() -> None:
    from transformers import AutoModelForQuestionAnswering

    base = AutoModelForQuestionAnswering.from_config(tiny.config("t5", num_labels=2))
    with pytest.raises(MethodError, match="its backbone has no biases"):
        make("bitfit").apply(base, "QUESTION_ANS")
    head_only = make("head_only")
    model = head_only.apply(base, "QUESTION_ANS")
    assert not head_only.trains_pretrained  # so its base still makes embeddings
    assert [key for key, weight in model.named_parameters() if weight.requires_grad] == [
        "qa_outputs.weight",
        "qa_outputs.bias",
    ]


@pytest.mark.parametrize("name", ["bottleneck", "compacter", "mam"])
def test_an_unknown_activation_is_the_recipe_s_mistake(name: str) -> None:
    with pytest.raises(RecipeError, match=r"method\.activation: unknown activation 'rellu'; did you mean 'relu'"):
        trial.method(name, activation="rellu")
    for factor in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="reduction_factor"):
            trial.method(name, reduction_factor=factor)


@pytest.mark.parametrize("factor", [0.5, 3.7, 1000.0])
def test_any_reduction_factor(factor: float) -> None:
    model = wrap("bottleneck", "bert", reduction_factor=factor)
    size = max(1, int(tiny.HIDDEN / factor))
    assert own_size(model, "bert") == 2 * tiny.LAYERS * (2 * tiny.HIDDEN * size + size + tiny.HIDDEN)


def test_any_activation() -> None:
    from transformers.activations import ACT2FN

    for activation in ACT2FN:
        model = shake(wrap("bottleneck", "llama", activation=activation, bottleneck_size=2))
        loss = model(**tiny.batch("llama")).loss
        loss.backward()
        assert all(weight.grad is not None for weight in model.parameters() if weight.requires_grad), activation
