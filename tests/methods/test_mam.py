"""MAM adapters: both parts on one model, trained at their own rates, saved and loaded as one."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from pefbench.errors import MethodError
from pefbench.heads import Encoded
from pefbench.methods.mam import Mam
from pefbench.methods.tuners import mam as tuner
from pefbench.methods.tuners.bottleneck_layer import BottleneckLayer
from pefbench.models import architecture as structure
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

TASK = dict.fromkeys(tiny.DECODERS, "CAUSAL_LM") | dict.fromkeys(tiny.ENCODER_DECODERS, "SEQ_2_SEQ_LM")


def mam(**options: Any) -> Mam:
    return Mam(name="mam", **({"num_virtual_tokens": 3} | options))


def applied(architecture: str, **options: Any) -> Any:
    torch.manual_seed(1)
    return mam(**options).apply(tiny.model(architecture), TASK.get(architecture, "TOKEN_CLS")).eval()


def inputs(architecture: str) -> dict[str, torch.Tensor]:
    batch = {name: tensor for name, tensor in tiny.batch(architecture).items() if name != "labels"}
    return batch | ({"decoder_input_ids": batch["input_ids"]} if architecture in tiny.ENCODER_DECODERS else {})


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_both_parts_learn_and_come_back_with_the_head(architecture: str, tmp_path: Path) -> None:
    method, wrapped, batch = mam(), applied(architecture), inputs(architecture)
    frozen = {name: weight.clone() for name, weight in wrapped.named_parameters() if not weight.requires_grad}
    start = {name: weight.clone() for name, weight in wrapped.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(method.parameter_groups(wrapped, 1e-3, 0.0), lr=1e-3)
    losses = []
    for _ in range(3):
        logits = wrapped(**batch).logits
        loss = cross_entropy(logits.flatten(0, 1), batch["input_ids"].flatten() % tiny.LABELS)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert all(torch.equal(weight, frozen[name]) for name, weight in wrapped.named_parameters() if name in frozen)
    for name, weight in wrapped.named_parameters():
        if name in start:
            assert not torch.equal(weight, start[name]), name
            assert re.search(method.trainable_pattern, name) or ".modules_to_save." in name
    wrapped.save_pretrained(tmp_path)
    base = tiny.model(architecture)
    for head in structure.head_modules(base):
        for weight in base.get_submodule(head).parameters():
            torch.nn.init.zeros_(weight)
    loaded: Any = PeftModel.from_pretrained(base, tmp_path)
    with torch.no_grad():
        assert torch.allclose(loaded(**batch).logits, wrapped(**batch).logits, atol=1e-5)
    found = dict(loaded.named_parameters())
    assert all(torch.equal(found[name], weight) for name, weight in wrapped.named_parameters() if name in start)
    assert not any(weight.requires_grad for name, weight in found.items() if re.search(method.trainable_pattern, name))


def test_the_prefix_alone_is_what_prefix_tuning_computes() -> None:
    from pefbench.methods.prefix import Prefix

    base = tiny.model("bert")
    wrapped: Any = mam().apply(copy.deepcopy(base), "TOKEN_CLS").eval()
    plain: Any = Prefix(name="prefix", num_virtual_tokens=3).apply(base, "TOKEN_CLS").eval()
    plain.virtual_tokens.weight.data.copy_(wrapped.virtual_tokens.weight)
    with torch.no_grad():  # the adapters start as the identity
        assert torch.allclose(wrapped(**inputs("bert")).logits, plain(**inputs("bert")).logits, atol=1e-5)


def test_disabled_it_is_the_base() -> None:
    base = tiny.model("bert")
    expected = base(**inputs("bert")).logits
    wrapped: Any = mam().apply(base, "TOKEN_CLS").eval()
    assert not torch.allclose(wrapped(**inputs("bert")).logits, expected, atol=1e-3)
    with wrapped.disable_adapter():
        assert torch.allclose(wrapped(**inputs("bert")).logits, expected, atol=1e-5)


def test_the_prefix_learns_faster() -> None:
    wrapped = applied("bert")
    groups = mam(prefix_learning_rate_ratio=5).parameter_groups(wrapped, 1e-3, 0.1)
    [own] = [group for group in groups if any(weight is wrapped.virtual_tokens.weight for weight in group["params"])]
    assert own["lr"] == pytest.approx(5e-3)
    assert len(own["params"]) == 1
    assert all("lr" not in group for group in groups if group is not own)
    grouped = [id(weight) for group in groups for weight in group["params"]]
    assert sorted(grouped) == sorted(id(weight) for weight in wrapped.parameters() if weight.requires_grad)


def test_the_adapters_are_scaled_and_parallel() -> None:
    wrapped = applied("bert", bottleneck_size=5, scale=2.0, activation="relu", dropout=0.5)
    layers = [module for module in wrapped.modules() if isinstance(module, BottleneckLayer)]
    assert len(layers) == tiny.LAYERS
    options = layers[0].options["default"]
    assert (options.variant, options.scale, options.dropout, options.activation) == (
        "scaled_parallel",
        2.0,
        0.5,
        "relu",
    )
    assert layers[0].bottleneck_down["default"].weight.shape == (5, tiny.HIDDEN)


@pytest.mark.parametrize("init", ["zero", "text", "activations"])
def test_the_prefix_may_start_otherwise(init: str, world: World) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(world.model)
    rows = [np.asarray(tokenizer("Anna saw the river")["input_ids"])]
    encoded = Encoded(features={"input_ids": rows}, targets=np.ones(1), decoding=[None])
    method, wrapped = mam(init=init), applied("bert", init=init)
    before = wrapped.virtual_tokens.weight.clone()
    method.on_train_begin(wrapped, tokenizer, encoded, 10)
    after = wrapped.virtual_tokens.weight
    assert not torch.equal(after, before)
    assert bool(after.any()) == (init != "zero")


def test_registering_again_changes_nothing() -> None:
    tuner.register()
    assert PEFT_TYPE_TO_TUNER_MAPPING[tuner.NAME.upper()] is tuner.MamModel


def test_a_model_without_a_way_in_is_refused() -> None:
    from transformers import DebertaConfig, DebertaForTokenClassification

    config = DebertaConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    with pytest.raises(MethodError, match="its attentions cannot take a prefix"):
        mam().apply(DebertaForTokenClassification(config), "TOKEN_CLS")
