from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import PeftModel, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn import functional

from pefbench.errors import MethodError
from pefbench.methods.tuners import bottleneck
from pefbench.methods.tuners.bottleneck import BottleneckLayer
from pefbench.methods.tuners.bottleneck_config import VARIANTS, BottleneckConfig
from pefbench.models import architecture as structure
from pefbench.models import sublayers
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

# names that transformers 5.23 renamed: peft 0.21 reads the first, and the second is the only one in older versions
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing_enable` is deprecated:FutureWarning"),
]

SIZE = tiny.HIDDEN // 4
CELLS = [(architecture, variant) for architecture in tiny.EVERY for variant in VARIANTS]
PARALLEL = ("parallel", "scaled_parallel")


def _config(architecture: str, variant: str, **changes: Any) -> BottleneckConfig:
    head = ["head", "classifier"] if architecture == "modernbert" else ["classifier"]
    fields: dict[str, Any] = {
        "variant": variant,
        "bottleneck_size": SIZE,
        "modules_to_save": head if architecture in tiny.ENCODERS else None,
    }
    return BottleneckConfig(**(fields | changes))


def _wrap(architecture: str, variant: str, **changes: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return get_peft_model(tiny.model(architecture), _config(architecture, variant, **changes)).eval()


def _shake(model: nn.Module) -> None:
    """Move every trainable weight away from its initial value, so that no adapter is the identity."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)


def _layers(model: nn.Module) -> dict[str, Any]:
    return {name: module for name, module in model.named_modules() if isinstance(module, BottleneckLayer)}


@torch.no_grad()
def _logits(model: nn.Module, architecture: str) -> Tensor:
    logits: Tensor = model(**tiny.batch(architecture)).logits
    return logits


def _gradients(model: nn.Module, architecture: str, *seeds: int) -> dict[str, Tensor]:
    """Return the gradients of one backward pass through the summed losses of a batch per seed."""
    model.zero_grad()
    torch.manual_seed(3)
    loss: Any = sum(model(**tiny.batch(architecture, seed=seed)).loss for seed in seeds or (0,))
    loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


class Trained(NamedTuple):
    """A model after a few steps."""

    model: Any
    losses: list[float]
    initial: Tensor
    """Logits before the first step."""


@lru_cache
def _trained(architecture: str, variant: str) -> Trained:
    model = _wrap(architecture, variant)
    initial = _logits(model, architecture)
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-2)
    losses = []
    for _ in range(4):
        loss = model(**tiny.batch(architecture)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return Trained(model, losses, initial)


@lru_cache
def _untouched(architecture: str) -> Tensor:
    return _logits(tiny.model(architecture).requires_grad_(requires_grad=False), architecture)


@pytest.mark.sample(15)
@pytest.mark.parametrize(("architecture", "variant"), CELLS)
def test_starts_as_the_base_model(architecture: str, variant: str) -> None:
    initial, base = _trained(architecture, variant).initial, _untouched(architecture)
    if variant in PARALLEL:
        assert torch.equal(initial, base)
    else:
        assert not torch.equal(initial, base)
        torch.testing.assert_close(initial, base, rtol=0, atol=2e-3 * float(base.abs().max()))


@pytest.mark.parametrize(("architecture", "variant"), CELLS)
def test_trains(architecture: str, variant: str) -> None:
    losses = _trained(architecture, variant).losses
    assert losses[-1] < losses[0]
    assert not torch.equal(_logits(_trained(architecture, variant).model, architecture), _untouched(architecture))


@pytest.mark.parametrize(("architecture", "variant"), CELLS)
def test_leaves_the_base_alone(architecture: str, variant: str) -> None:
    model, base = _trained(architecture, variant).model, tiny.model(architecture).state_dict()
    now = {
        name.removeprefix("base_model.model.").replace(".base_layer", "").replace(".original_module", ""): weight
        for name, weight in model.state_dict().items()
    }
    assert base.keys() <= now.keys()
    assert not [name for name, weight in base.items() if not torch.equal(now[name], weight)]
    with model.disable_adapter():
        assert torch.equal(_logits(model, architecture), _untouched(architecture))


@pytest.mark.parametrize(("architecture", "variant"), CELLS)
def test_number_of_trainable_weights(architecture: str, variant: str) -> None:
    model, bare = _trained(architecture, variant).model, tiny.model(architecture)
    places = len(sublayers.feed_forwards(bare))
    if variant == "houlsby":
        places += len(sublayers.attention_outputs(bare))
    one = 2 * tiny.HIDDEN * SIZE + SIZE + tiny.HIDDEN
    head = sum(weight.numel() for name in structure.head_modules(bare) for weight in getattr(bare, name).parameters())
    trainable = {name: weight.numel() for name, weight in model.named_parameters() if weight.requires_grad}
    assert sum(trainable.values()) == places * one + head
    assert all("bottleneck_" in name or "modules_to_save" in name for name in trainable)


@pytest.mark.parametrize(("architecture", "variant"), CELLS)
def test_saves_and_loads(architecture: str, variant: str, tmp_path: Path) -> None:
    trained = _trained(architecture, variant).model
    trained.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny.model(architecture), tmp_path).eval()
    assert torch.equal(_logits(loaded, architecture), _logits(trained, architecture))


def test_the_saved_config_says_where_the_adapters_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = _trained("bert", "parallel").model
    trained.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf8"))
    layers = [f"bert.encoder.layer.{i}" for i in range(tiny.LAYERS)]
    assert saved["target_modules"] == [f"{layer}.output.dense" for layer in layers]
    assert saved["feed_forward_inputs"] == {f"{layer}.output.dense": f"{layer}.intermediate.dense" for layer in layers}
    assert (saved["scale"], saved["peft_type"]) == (1.0, "BOTTLENECK")
    monkeypatch.delattr(sublayers, "feed_forwards")  # loading does not look again
    loaded = PeftModel.from_pretrained(tiny.model("bert"), tmp_path, low_cpu_mem_usage=True).eval()
    assert torch.equal(_logits(loaded, "bert"), _logits(trained, "bert"))


@pytest.mark.parametrize("variant", ["houlsby", "pfeiffer", "parallel"])
def test_many_layers(variant: str) -> None:
    # from 20 targets on, PEFT shortens their names; `output.dense` alone would also match the attention's output
    base = tiny.model("bert", num_hidden_layers=24)
    expected = {feed_forward.output for feed_forward in sublayers.feed_forwards(base)}
    if variant == "houlsby":
        expected |= set(sublayers.attention_outputs(base))
    model = get_peft_model(base, _config("bert", variant))
    assert {name.removeprefix("base_model.model.") for name in _layers(model)} == expected
    targets = model.peft_config["default"].to_dict()["target_modules"]
    assert targets == sorted(targets)


def _reference(adapter: Any, inner: Tensor, scale: float) -> Tensor:
    down, up = adapter.bottleneck_down["default"], adapter.bottleneck_up["default"]
    squeezed = torch.relu(inner @ down.weight.T + down.bias)
    written: Tensor = scale * (squeezed @ up.weight.T + up.bias)
    return written


@pytest.mark.parametrize(("variant", "scale"), [("parallel", 1.0), ("scaled_parallel", 4.0)])
def test_parallel_by_hand_on_a_post_norm_block(variant: str, scale: float) -> None:
    model = _wrap("bert", variant)
    _shake(model)
    block = model.base_model.model.bert.encoder.layer[0]
    inner = torch.randn(2, 5, tiny.HIDDEN)
    written = block.output.dense.base_layer(functional.gelu(block.intermediate.dense(inner)))
    expected = block.output.LayerNorm(written + _reference(block.output.dense, inner, scale) + inner)
    torch.testing.assert_close(block.feed_forward_chunk(inner), expected, rtol=1e-5, atol=1e-5)


def test_parallel_by_hand_on_a_gated_feed_forward() -> None:
    model = _wrap("llama", "parallel", scale=0.5)
    _shake(model)
    mlp = model.base_model.model.model.layers[1].mlp
    inner = torch.randn(2, 5, tiny.HIDDEN)
    written = mlp.down_proj.base_layer(functional.silu(mlp.gate_proj(inner)) * mlp.up_proj(inner))
    torch.testing.assert_close(mlp(inner), written + _reference(mlp.down_proj, inner, 0.5), rtol=1e-5, atol=1e-5)


def test_sequential_by_hand() -> None:
    model = _wrap("bert", "houlsby")
    _shake(model)
    output = model.base_model.model.bert.encoder.layer[0].attention.output
    inner, residual = torch.randn(2, 5, tiny.HIDDEN), torch.randn(2, 5, tiny.HIDDEN)
    written = output.dense.base_layer(inner)
    expected = output.LayerNorm(written + _reference(output.dense, written, 1.0) + residual)
    torch.testing.assert_close(output(inner, residual), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "modernbert", "gpt2", "llama", "t5", "bart"])
@pytest.mark.parametrize("variant", ["houlsby", "scaled_parallel"])
@pytest.mark.parametrize("reentrant", [True, False])
def test_gradient_checkpointing_gives_the_same_gradients(architecture: str, variant: str, reentrant: bool) -> None:
    model = _wrap(architecture, variant, dropout=0.1).train()
    _shake(model)
    expected = _gradients(model, architecture)
    model.base_model.model.gradient_checkpointing_enable({"use_reentrant": reentrant})
    model.enable_input_require_grads()
    runs = []
    next(iter(_layers(model).values())).register_forward_pre_hook(lambda *_: runs.append(1))
    gradients = _gradients(model, architecture)
    assert len(runs) == 2  # the block did run again in the backward pass
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-6, msg=name)
    assert all(layer._feed_forward_input is None for layer in _layers(model).values())


@pytest.mark.parametrize("architecture", ["bert", "llama", "bart"])
@pytest.mark.parametrize("variant", ["houlsby", "parallel"])
def test_two_forward_passes_before_one_backward(architecture: str, variant: str) -> None:
    model = _wrap(architecture, variant)
    _shake(model)
    together = _gradients(model, architecture, 4, 5)
    first, second = (dict(_gradients(model, architecture, seed)) for seed in (4, 5))
    assert together.keys() == first.keys()
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, first[name] + second[name], rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_holds_no_tensor_between_calls(architecture: str) -> None:
    model = _wrap(architecture, "parallel")
    layers = _layers(model).values()
    _gradients(model, architecture)
    assert all(layer._feed_forward_input is None for layer in layers)
    with model.disable_adapter():
        _logits(model, architecture)
    assert all(layer._feed_forward_input is None for layer in layers)


def test_disabled_adapters_keep_nothing_even_when_the_pass_breaks_off() -> None:
    model = _wrap("bert", "parallel")
    layer = model.base_model.model.bert.encoder.layer[0]
    with model.disable_adapter():
        layer.intermediate.dense(torch.randn(1, tiny.HIDDEN))
    assert layer.output.dense._feed_forward_input is None


def test_a_parallel_adapter_without_its_input_is_our_mistake() -> None:
    model = _wrap("bert", "parallel")
    with pytest.raises(RuntimeError, match="without its feed-forward's input"):
        model.base_model.model.bert.encoder.layer[0].output.dense(torch.randn(1, tiny.WIDTH))


@pytest.mark.parametrize("architecture", ["bert", "modernbert", "gpt2", "llama", "t5", "bart"])
@pytest.mark.parametrize("variant", ["houlsby", "scaled_parallel"])
def test_autocast(architecture: str, variant: str) -> None:
    model = _wrap(architecture, variant)
    _shake(model)
    exact = _logits(model, architecture)
    with torch.autocast("cpu", torch.bfloat16):
        output = model(**tiny.batch(architecture))
    output.loss.backward()
    torch.testing.assert_close(output.logits.float(), exact, rtol=0.1, atol=0.05 * float(exact.abs().max()))
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            assert weight.grad is not None, name
            assert weight.grad.dtype == torch.float32
            assert torch.isfinite(weight.grad).all()


@pytest.mark.parametrize("variant", ["houlsby", "parallel"])
@pytest.mark.parametrize(("autocast", "expected"), [(True, torch.float32), (False, torch.bfloat16)])
def test_half_precision_base(variant: str, autocast: bool, expected: torch.dtype) -> None:
    base = tiny.model("llama").bfloat16()
    model = get_peft_model(base, _config("llama", variant), autocast_adapter_dtype=autocast)
    assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {expected}
    output = model(**tiny.batch("llama"))
    output.loss.backward()
    assert output.logits.dtype == torch.bfloat16


@pytest.mark.parametrize("autocast", [True, False])
@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_base_keeps_fp32_adapters(bits: int, autocast: bool, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    tiny.causal_lm("llama", hidden_size=64, intermediate_size=128).save_pretrained(tmp_path)
    options: dict[str, Any] = {4: {"bnb_4bit_compute_dtype": torch.bfloat16, "bnb_4bit_quant_type": "nf4"}, 8: {}}[bits]
    quantise = BitsAndBytesConfig(**{f"load_in_{bits}bit": True}, **options)
    base = AutoModelForCausalLM.from_pretrained(tmp_path, quantization_config=quantise, dtype=torch.float32)
    model = get_peft_model(base, _config("llama", "parallel"), autocast_adapter_dtype=autocast)
    assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}
    _shake(model)
    model.train()(**tiny.batch("llama")).loss.backward()
    assert all(weight.grad.abs().sum() > 0 for weight in model.parameters() if weight.requires_grad)
    model.eval()  # and not before: on a CPU, bitsandbytes then packs 4-bit weights in a way that has no gradients
    adapted = _logits(model, "llama")
    with model.disable_adapter():
        assert not torch.equal(_logits(model, "llama"), adapted)


@pytest.mark.parametrize("head", [None, ["classifier"]])
def test_token_classification_heads_are_added_by_peft(head: list[str] | None, tmp_path: Path) -> None:
    config = BottleneckConfig(task_type="TOKEN_CLS", bottleneck_size=SIZE, modules_to_save=head)
    model = get_peft_model(tiny.model("bert"), config).eval()
    assert model.base_model.model.classifier.modules_to_save["default"].weight.requires_grad
    _shake(model)
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny.model("bert"), tmp_path).eval()
    assert torch.equal(_logits(loaded, "bert"), _logits(model, "bert"))


@pytest.mark.parametrize("variant", ["houlsby", "parallel"])
def test_adapters_by_name(variant: str) -> None:
    model = _wrap("llama", variant)
    _shake(model)
    first = _logits(model, "llama")
    model.add_adapter("other", _config("llama", "parallel" if variant == "houlsby" else "pfeiffer", init="identity"))
    assert torch.equal(_logits(model, "llama"), first)
    model.set_adapter("other")
    assert torch.equal(_logits(model, "llama"), _untouched("llama"))
    assert {name.split(".")[-2] for name, weight in model.named_parameters() if weight.requires_grad} == {"other"}
    _shake(model)
    other = _logits(model, "llama")
    model.base_model.set_adapter(["default", "other"])
    both = _logits(model, "llama")
    assert not torch.equal(both, first)
    assert not torch.equal(both, other)
    model.set_adapter("default")
    assert torch.equal(_logits(model, "llama"), first)
    model.delete_adapter("other")
    assert torch.equal(_logits(model, "llama"), first)
    assert not [name for name, _ in model.named_parameters() if "other" in name]
    assert all(list(layer.options) in (["default"], []) for layer in _layers(model).values())


@pytest.mark.parametrize("variant", VARIANTS)
def test_unload_returns_the_bare_model(variant: str) -> None:
    model = _wrap("bert", variant, modules_to_save=None)
    _shake(model)
    bare = model.unload()
    assert not [name for name, module in bare.named_modules() if isinstance(module, BaseTunerLayer)]
    assert not [name for name, module in bare.named_modules() if module._forward_pre_hooks]
    assert bare.state_dict().keys() == tiny.model("bert").state_dict().keys()
    assert torch.equal(_logits(bare, "bert"), _untouched("bert"))


def test_merging_is_refused() -> None:
    model = _wrap("bert", "houlsby")
    for merge in (model.merge_and_unload, model.merge_adapter):
        with pytest.raises(MethodError, match="cannot be merged"):
            merge()


def test_a_deep_copy_reads_its_own_feed_forward() -> None:
    model = _wrap("llama", "parallel")
    _shake(model)
    expected = _logits(model, "llama")
    twin = copy.deepcopy(model)
    assert torch.equal(_logits(twin, "llama"), expected)
    with torch.no_grad():
        for layer in _layers(twin).values():
            layer.bottleneck_up["default"].weight.zero_()
            layer.bottleneck_up["default"].bias.zero_()
    assert torch.equal(_logits(twin, "llama"), _untouched("llama"))
    assert torch.equal(_logits(model, "llama"), expected)


def test_an_activation_with_weights_is_trained_and_saved(tmp_path: Path) -> None:
    model = _wrap("llama", "houlsby", activation="prelu")
    _shake(model)
    slopes = [weight for name, weight in model.named_parameters() if "bottleneck_activation" in name]
    assert len(slopes) == 2 * tiny.LAYERS
    assert all(slope.requires_grad for slope in slopes)
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny.model("llama"), tmp_path).eval()
    assert torch.equal(_logits(loaded, "llama"), _logits(model, "llama"))


def test_dropout_falls_on_the_bottleneck_while_training() -> None:
    model = _wrap("llama", "houlsby", dropout=0.5)
    _shake(model)
    quiet = _logits(model, "llama")
    assert torch.equal(_logits(model, "llama"), quiet)
    model.train()
    assert not torch.equal(_logits(model, "llama"), _logits(model, "llama"))


def test_initial_weights() -> None:
    base = tiny.model("llama", hidden_size=64)
    near = _layers(get_peft_model(base, BottleneckConfig(bottleneck_size=64)).requires_grad_(False)).values()
    for layer in near:
        for linear in (layer.bottleneck_down["default"], layer.bottleneck_up["default"]):
            # the standard deviation of a Gaussian cut at two of its own is 0.88 of it
            assert float(linear.weight.std()) == pytest.approx(0.0088, rel=0.05)
            assert float(linear.weight.abs().max()) <= 0.02
            assert not linear.bias.any()
    same = _layers(_wrap("llama", "houlsby", init="identity")).values()
    assert all(layer.bottleneck_down["default"].weight.any() for layer in same)
    assert not any(layer.bottleneck_up["default"].weight.any() for layer in same)


def test_registering_again_changes_nothing_and_another_method_of_the_name_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bottleneck.register()
    bottleneck.register()
    assert PEFT_TYPE_TO_CONFIG_MAPPING["BOTTLENECK"] is BottleneckConfig
    monkeypatch.setitem(PEFT_TYPE_TO_TUNER_MAPPING, "BOTTLENECK", BaseTunerLayer)
    with pytest.raises(KeyError, match="already PEFT method called 'bottleneck'"):
        bottleneck.register()


@given(hidden=st.integers(1, 8192), factor=st.floats(0.01, 1e6))
def test_bottleneck_size(hidden: int, factor: float) -> None:
    size = BottleneckConfig(reduction_factor=factor).size(hidden)
    assert size == 1 or size <= hidden / factor
    assert size + 1 > hidden / factor
    assert BottleneckConfig(reduction_factor=factor, bottleneck_size=7).size(hidden) == 7


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant": "paralel"}, "unknown variant 'paralel'; did you mean 'parallel'"),
        ({"init": "zero"}, "unknown init 'zero'"),
        ({"activation": "rellu"}, "unknown activation 'rellu'; did you mean 'relu'"),
        ({"reduction_factor": 0}, "reduction_factor is 0; it must be above 0"),
        ({"reduction_factor": float("nan")}, "reduction_factor is nan"),
        ({"bottleneck_size": 0}, "bottleneck_size is 0; it must be at least 1"),
        ({"dropout": 1.0}, r"dropout is 1\.0; it must be in \[0, 1\)"),
    ],
)
def test_wrong_options_are_the_users(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message) as caught:
        BottleneckConfig(**fields)
    assert "\n" not in str(caught.value)


def test_wrong_targets_are_the_users() -> None:
    with pytest.raises(MethodError, match=r"q_proj is not the output of a feed-forward, so a parallel adapter"):
        _wrap("llama", "parallel", target_modules=["q_proj"])
    with pytest.raises(MethodError, match="LlamaMLP is not a linear layer"):
        _wrap("llama", "houlsby", target_modules=["mlp"])


def test_targets_by_ending_and_by_expression() -> None:
    by_ending = _layers(_wrap("llama", "houlsby", target_modules=["down_proj"]))
    by_expression = _layers(_wrap("llama", "parallel", target_modules=r".*\.1\.mlp\.down_proj"))
    assert len(by_ending) == tiny.LAYERS
    assert [name.removeprefix("base_model.model.") for name in by_expression] == ["model.layers.1.mlp.down_proj"]
