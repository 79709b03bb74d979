"""Quantised models: what is quantised; every method trains and reloads, or is refused."""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from pefbench.errors import MethodError, RecipeError, SourceError
from pefbench.heads import Encoded
from pefbench.methods import NOTHING
from pefbench.models import architecture as structure
from pefbench.models import frozen, linear_layers, loading, quantization
from pefbench.models.frozen import Frozen
from pefbench.recipe import load_recipe
from pefbench.registry import find, names
from pefbench.sections import Quantize
from pefbench.trial import artifacts, build, devices
from pefbench.trial import run as running
from pefbench.trial.loop import Training
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from pefbench.trial.stepping import Stepper
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from pefbench.heads import Head
    from pefbench.methods import Method
    from pefbench.models.checkpoint import Checkpoint
    from tests.worlds import World

KINDS: tuple[Quantize, ...] = tuple(kind for kind in get_args(Quantize) if kind != "none")
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

# Blocks of 64 weights should not end within a row: see quantizing._check_reading.
_STACK = {"hidden_size": 64, "intermediate_size": 128}
_T5 = {"d_model": 64, "d_ff": 128, "d_kv": 64}
_TWO_STACKS = {"d_model": 64, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128}
WIDE = dict.fromkeys(tiny.EVERY, _STACK) | {
    "distilbert": {"dim": 64, "hidden_dim": 128},
    "gpt2": {"n_embd": 64, "n_inner": 128},
    "t5": _T5,
    "t5-gated": _T5,
    "bart": _TWO_STACKS,
    "marian": _TWO_STACKS,
}


class Saved:
    """Small models on disk: encoders as bare backbones, so that their head is new, the others whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.examined: dict[str, Checkpoint] = {}

    def load(self, architecture: str, quantize: Quantize, **changes: Any) -> nn.Module:
        """Return the model under a fresh head."""
        torch.manual_seed(0)
        where, config = self.path(architecture), tiny.config(architecture, **(WIDE[architecture] | changes))
        key = f"{architecture} {changes}"
        if key not in self.examined:
            self.examined[key] = loading.examine(where, config, head(architecture), architecture)
        return loading.load_pretrained(
            where, config, head(architecture), attention="eager", quantize=quantize, found=self.examined[key]
        )

    def path(self, architecture: str) -> Path:
        """Return the model's folder."""
        where = self.folder / architecture
        if not where.exists():
            whole = tiny.model(architecture, **WIDE[architecture])
            cast("Any", structure.backbone(whole) if architecture in tiny.ENCODERS else whole).save_pretrained(where)
        return where


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return Saved(tmp_path_factory.mktemp("saved"))


def head(architecture: str) -> Head:
    auto_class, task_type = "AutoModelForSeq2SeqLM", "SEQ_2_SEQ_LM"
    if architecture in tiny.ENCODERS:
        auto_class, task_type = "AutoModelForTokenClassification", "TOKEN_CLS"
    elif architecture in tiny.DECODERS:
        auto_class, task_type = "AutoModelForCausalLM", "CAUSAL_LM"
    return cast("Head", SimpleNamespace(auto_class=auto_class, task_type=task_type))


def quantised(model: nn.Module) -> dict[str, Tensor]:
    kinds = {"Params4bit", "Int8Params"}
    return {name: weight for name, weight in model.named_parameters() if type(weight).__name__ in kinds}


def logits(model: nn.Module) -> Tensor:
    """Return what a model of the BERT kind says of its batch."""
    model.eval()
    with torch.inference_mode():
        return computed(model)


def computed(model: nn.Module) -> Tensor:
    batch = tiny.batch("bert")
    del batch["labels"]
    result: Tensor = model(**batch).logits
    return result


def token_loss(model: nn.Module) -> Tensor:
    return functional.cross_entropy(computed(model).flatten(0, 1), tiny.batch("bert")["labels"].flatten())


def gradients(model: nn.Module, architecture: str = "bert") -> dict[str, Tensor | None]:
    model.train()
    model.zero_grad()
    model(**tiny.batch(architecture)).loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("quantize", ["int8", "nf4-double"])
@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_the_linear_layers_of_the_blocks_are_quantised_and_all_weights_counted(
    saved: Saved, architecture: str, quantize: Quantize
) -> None:
    plain, model = saved.load(architecture, "none"), saved.load(architecture, quantize)
    kept = tuple(getattr(plain, "_keep_in_fp32_modules", None) or ())  # T5 keeps its wo for its range
    expected = {f"{name}.weight" for name in structure.linear_modules(plain) if not name.endswith(kept)}
    assert quantised(model).keys() == expected
    assert loading.count(model) == loading.count(plain)
    assert len(expected) >= 2 * tiny.LAYERS
    for name, weight in model.named_parameters():
        if name not in expected:
            assert torch.equal(weight, plain.get_parameter(name)), name


def matrix(layer: Any) -> Tensor:
    """Return what a quantised layer multiplies by, shape (out, in)."""
    with torch.no_grad():
        y: Tensor = layer(torch.eye(layer.in_features)).T
    return y if layer.bias is None else y - layer.bias[:, None]


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_the_fewer_the_bits_the_larger_the_error_and_it_is_small(saved: Saved, architecture: str) -> None:
    plain = saved.load(architecture, "none")
    held = {kind: saved.load(architecture, kind) for kind in KINDS}
    for name in quantised(held["nf4"]):
        layer = name.removesuffix(".weight")
        is_transposed = linear_layers.is_transposed(plain.get_submodule(layer))
        weight = plain.get_parameter(name).T if is_transposed else plain.get_parameter(name)
        errors = {kind: (matrix(held[kind].get_submodule(layer)) - weight).norm() / weight.norm() for kind in KINDS}
        assert 0 < errors["int8"] < 0.01 < errors["nf4"] < 0.12, name
        assert errors["nf4"] != errors["nf4-double"] < 0.12, name


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("quantize", KINDS)
def test_a_model_that_has_predicted_still_trains(saved: Saved, quantize: Quantize, bf16: bool) -> None:
    model = lora().apply(saved.load("bert", quantize, **NO_DROPOUT), "TOKEN_CLS")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        before = gradients(model)
        logits(model)
        after = gradients(model)
    assert any("lora" in name for name in before)
    for name, gradient in after.items():
        expected = before[name]
        assert gradient is not None, name
        assert expected is not None, name
        assert torch.equal(gradient, expected), name


@pytest.mark.parametrize("quantize", KINDS)
def test_a_model_predicts_as_it_trains(saved: Saved, quantize: Quantize) -> None:
    model = saved.load("bert", quantize, **NO_DROPOUT)
    assert torch.equal(computed(model.train()), logits(model))


@pytest.mark.parametrize("quantize", KINDS)
def test_computing_in_bf16_leaves_the_biases_as_they_are(saved: Saved, quantize: Quantize) -> None:
    model = saved.load("bert", quantize)
    biases = [name.removesuffix("weight") + "bias" for name in quantised(model)]
    before = {name: model.get_parameter(name).clone() for name in biases}
    frozen.cast(model.requires_grad_(requires_grad=False), Frozen("bf16", NOTHING))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits(model)
    for name, bias in before.items():
        assert model.get_parameter(name).dtype == torch.float32
        assert torch.equal(model.get_parameter(name), bias), name


@pytest.mark.parametrize("quantize", KINDS)
def test_a_bias_beside_a_quantised_weight_gets_its_gradient(saved: Saved, quantize: Quantize) -> None:
    model, plain = saved.load("bert", quantize, **NO_DROPOUT), saved.load("bert", "none", **NO_DROPOUT)
    for name in quantised(model):  # the same numbers, held as floats
        plain.get_parameter(name).data.copy_(matrix(model.get_submodule(name.removesuffix(".weight"))))
    found = []
    for each in (model, plain):
        for name, weight in each.named_parameters():
            weight.requires_grad_(name.endswith("bias"))
        found.append(gradients(each))
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-3, atol=1e-6, msg=name)


def lora() -> Method:
    made: Method = find("method", "lora")(name="lora", rank=4)
    return made


TRAINED: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in names("method") if name not in {"full", "peft"}),
    ("lora", {"dora": True}),
    ("lora", {"rslora": True}),
    ("lora", {"bias": "lora_only"}),
    ("lora", {"init": "pissa"}),
    ("peft", {"type": "RANDLORA"}),
    ("peft", {"type": "HRA"}),
]
REFUSED = {
    "loha": "query is quantised",
    "lokr": "query is quantised",
    "lora-pissa": "quantised",
    "peft-HRA": "query: it is quantised",
}


def case(name: str, options: dict[str, Any]) -> str:
    return "-".join([name, *(key if value is True else str(value) for key, value in options.items())])


def begun(method: Method, model: nn.Module, tokenizer: PreTrainedTokenizerFast, steps: int) -> nn.Module:
    """Return the model as a trial would train it."""
    torch.manual_seed(0)
    model = method.apply(model, "TOKEN_CLS")
    ids = tiny.batch("bert")["input_ids"].numpy()
    encoded = Encoded({"input_ids": list(ids)}, targets=np.full(len(ids), 8), decoding=list(ids))
    method.on_train_begin(model, tokenizer, encoded, steps)
    method.on_model_ready(model)
    frozen.cast(model, Frozen("fp32", method.trainable_pattern))
    return model


def train(method: Method, model: nn.Module, steps: int) -> list[float]:
    """Take steps on one batch; return the loss before each, and after the last."""
    losses = []
    optimizer = torch.optim.AdamW(method.parameter_groups(model, method.learning_rate, 0.0), lr=method.learning_rate)
    model.train()
    for step in range(1, steps + 1):
        loss = token_loss(model)
        losses.append(loss.item())
        penalty = method.penalty(model)
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        method.after_step(model, step)
        optimizer.zero_grad()
    return [*losses, token_loss(model).item()]


def frozen_copies(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if not weight.requires_grad}


@pytest.mark.sample(20)
@pytest.mark.parametrize("quantize", KINDS)
@pytest.mark.parametrize(("name", "options"), TRAINED, ids=[case(*trained) for trained in TRAINED])
def test_every_method_trains_around_quantised_weights_and_comes_back(
    saved: Saved, world: World, tmp_path: Path, name: str, options: dict[str, Any], quantize: Quantize
) -> None:
    method: Method = find("method", name)(name=name, **options)
    base = saved.load("bert", quantize, **NO_DROPOUT)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(world.model)
    if case(name, options) in REFUSED:
        with pytest.raises(MethodError, match=REFUSED[case(name, options)]):
            begun(method, base, tokenizer, steps=3)
        return
    whole = loading.count(base)
    model = begun(method, base, tokenizer, steps=3)
    before = frozen_copies(model)
    losses = train(method, model, steps=3)
    assert losses[-1] < losses[0]
    assert quantised(model).keys() <= before.keys()
    assert len(quantised(model)) == 6 * tiny.LAYERS
    assert all(torch.equal(weight, model.get_parameter(key)) for key, weight in before.items())
    assert 0 < loading.count(model, trainable=True) < whole
    expected = logits(model)
    artifacts.save(model, tmp_path, method)
    again = artifacts.load_saved(
        tmp_path,
        saved.path("bert"),
        tiny.config("bert", **(WIDE["bert"] | NO_DROPOUT)),
        head("bert"),
        attention="eager",
        quantize=quantize,
    )
    method.on_model_ready(again)
    assert torch.equal(logits(again), expected)


@pytest.mark.parametrize("quantize", ["int8", "nf4-double"])
@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_every_architecture_trains_quantised(saved: Saved, architecture: str, quantize: Quantize) -> None:
    torch.manual_seed(0)
    model = lora().apply(saved.load(architecture, quantize), head(architecture).task_type)
    lora().on_model_ready(model)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    for name, gradient in gradients(model, architecture).items():
        assert gradient is not None, name
        assert gradient.abs().sum() > 0, name


@pytest.mark.parametrize("quantize", KINDS)
def test_training_every_weight_is_refused(world: World, quantize: Quantize) -> None:
    recipe = world.recipe("full", method={"name": "full"})
    with pytest.raises(RecipeError, match=rf"model.quantize: full trains every weight, and {quantize} .*is QLoRA"):
        load_recipe(recipe, [f"model.quantize={quantize}"])


@pytest.mark.parametrize("override", ["model.quantize=nf4", "train.optimizer=adamw8bit"])
@pytest.mark.parametrize("there", [None, "0.49.1"])
def test_without_bitsandbytes_it_is_said_how_to_get_it(
    world: World, monkeypatch: pytest.MonkeyPatch, override: str, there: str | None
) -> None:
    def version(name: str) -> str:
        assert name == "bitsandbytes"
        if there is None:
            raise PackageNotFoundError
        return there

    monkeypatch.setattr(quantization, "version", version)
    key, _, value = override.partition("=")
    with pytest.raises(RecipeError) as caught:
        prepare(load_recipe(world.recipe("missing"), [override]), Phases())
    assert str(caught.value).startswith(f"{key}: {value} needs bitsandbytes 0.50")
    assert str(caught.value).endswith("pip install 'pefbench[quantize]'")
    prepare(load_recipe(world.recipe("missing")), Phases())


def test_a_checkpoint_that_is_quantised_already_is_refused(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    quantisation = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    file.write_text(json.dumps(json.loads(file.read_text()) | quantisation))
    with pytest.raises(SourceError, match=r"already quantised; name the original model and set model.quantize"):
        prepare(load_recipe(world.recipe("quantised", model={"name": f"file:{tmp_path / 'model'}"})), Phases())


@pytest.mark.parametrize("quantize", KINDS)
def test_a_checkpoint_that_lacks_a_quantised_weight_is_refused(
    saved: Saved, tmp_path: Path, quantize: Quantize
) -> None:
    shutil.copytree(saved.path("bert"), tmp_path / "model")
    from safetensors.torch import load_file, save_file

    weights = load_file(tmp_path / "model" / "model.safetensors")
    del weights["encoder.layer.1.attention.self.key.weight"]
    save_file(weights, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    lacks = (
        r"36 of the backbone.s 37 weights are in the checkpoint; it lacks bert\.\S+\.1\.attention\.self\.key\.weight"
    )
    with pytest.raises(SourceError, match=lacks):
        loading.load_pretrained(
            tmp_path / "model",
            tiny.config("bert", **WIDE["bert"]),
            head("bert"),
            attention="eager",
            quantize=quantize,
        )


@pytest.mark.parametrize("units", [16, 24, 32, 40, 96])
@pytest.mark.parametrize("quantize", KINDS)
def test_a_weight_whose_blocks_end_within_rows_is_read_right_or_refused(
    tmp_path: Path, units: int, quantize: Quantize
) -> None:
    changes: dict[str, Any] = {"hidden_size": units, "intermediate_size": 64}
    whole = tiny.model("bert", **changes)
    whole.save_pretrained(tmp_path)
    try:
        model = loading.load_pretrained(
            tmp_path, tiny.config("bert", **changes), head("bert"), attention="eager", quantize=quantize
        )
    except RecipeError as error:
        assert re.search(rf"has {units} input features, not a multiple of 64; .*use int8, or a GPU", str(error))  # noqa: PT017
        assert quantize != "int8"
        assert units % 16 == 0
        return
    for name in quantised(model):
        weight = whole.get_parameter(name)
        assert (matrix(model.get_submodule(name.removesuffix(".weight"))) - weight).norm() < 0.12 * weight.norm()


@pytest.fixture(scope="module")
def wide(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the world's model, twice as wide."""
    folder = tmp_path_factory.mktemp("wide") / "model"
    shutil.copytree(world.model, folder)
    config = BertConfig.from_pretrained(world.model)
    config.update(WIDE["bert"])
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder


def training(world: World, folder: Path, **changes: Any) -> Training:
    ready = prepare(load_recipe(world.recipe("quantizing", **changes)), Phases())
    return Training(
        Stepper(build.with_method(ready, build.pretrained(ready)), ready, devices.accelerator("fp32")),
        checkpoint=folder / "checkpoint.pt",
        checkpoint_key={"id": "test"},
    )


LARGE = {"name": "lora", "rank": 128}  # 128 x 32: matrices as large as 8-bit moments want them


def test_moments_of_large_weights_are_in_8_bits_and_the_loss_falls_alike(world: World, tmp_path: Path) -> None:
    runs = {}
    for optimizer in ("adamw", "adamw8bit"):
        run = training(world, tmp_path / optimizer, method=LARGE, train__optimizer=optimizer, train__learning_rate=5e-3)
        run.run()
        runs[optimizer] = run
    moments = runs["adamw8bit"].stepper.optimizer.state
    for weight in runs["adamw8bit"].stepper.trainable:
        assert moments[weight]["state1"].dtype == (torch.uint8 if weight.numel() >= 4096 else torch.float32)
    assert {state["state1"].dtype for state in moments.values()} == {torch.uint8, torch.float32}
    usual, small = ([point["loss"] for point in runs[name].at.curve] for name in ("adamw", "adamw8bit"))
    assert np.mean(usual[-3:]) < 0.8 * usual[0]
    assert small == pytest.approx(usual, rel=0.1)
    assert small != usual


@pytest.mark.parametrize("quantize", ["none", "nf4-double"])
def test_a_stopped_run_with_8_bit_moments_goes_on_bit_for_bit(
    world: World, wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantize: Quantize
) -> None:
    changes: dict[str, Any] = {
        "model": {"name": f"file:{wide}", "quantize": quantize},
        "method": LARGE,
        "train__optimizer": "adamw8bit",
        "train__checkpoint_steps": 5,
        "train__epochs": 1,
    }
    whole = training(world, tmp_path / "whole", **changes)
    whole.run()
    stopped = training(world, tmp_path / "stopped", **changes)
    step = stopped._step

    def dies(batch: Any) -> None:
        if stopped.at.step == 8:
            raise KeyboardInterrupt
        step(batch)

    monkeypatch.setattr(stopped, "_step", dies)
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    again = training(world, tmp_path / "stopped", **changes)
    again.run()
    assert again.at.curve == whole.at.curve
    assert all(torch.equal(a, b) for a, b in zip(again.stepper.trainable, whole.stepper.trainable, strict=True))


@pytest.mark.usefixtures("fresh_round_trips")
def test_a_trial_on_a_quantised_model_comes_back_in_a_fresh_process(world: World, wide: Path, out: Path) -> None:
    model = {"name": f"file:{wide}", "quantize": "nf4-double"}
    recipe = load_recipe(world.recipe("qlora", model=model, train__optimizer="adamw8bit"))
    result = json.loads(running.run(recipe, out).read_text())
    assert result["status"] == "finished"
    assert result["round_trip"]["reproduced"]
    plain = load_recipe(world.recipe("plain", model={"name": f"file:{wide}"}))
    assert result["model"]["parameters"] == loading.count(build.pretrained(prepare(plain, Phases())))
    assert result["curve"][-1]["loss"] < 0.5 * result["curve"][0]["loss"]
