"""Each method on a tiny model: what is trained, what a fused layer computes, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from pefbench import models
from pefbench.errors import MethodError
from pefbench.methods.lora import Lora
from pefbench.registry import find, names
from pefbench.tuners import fused_lora
from tests.tiny import batch, model

if TYPE_CHECKING:
    from pefbench.methods import Method


def method(name: str, **options: Any) -> Method:
    made: Method = find("method", name)(name=name, **options)
    return made


def head_size(base: torch.nn.Module) -> int:
    from pefbench.structure import head_modules

    return sum(weight.numel() for name in head_modules(base) for weight in base.get_submodule(name).parameters())


@pytest.mark.parametrize("name", names("method"))
def test_the_head_is_trained_with_every_method(name: str) -> None:
    base = model("bert")
    whole, head = models.count(base), head_size(base)
    adapted = method(name).apply(base, "TOKEN_CLS")
    trainable = models.count(adapted, trainable=True)
    assert head > 0
    trained_heads = [
        weight for key, weight in adapted.named_parameters() if "classifier" in key and weight.requires_grad
    ]
    assert sum(weight.numel() for weight in trained_heads) == head
    assert trainable == whole if name == "full" else head < trainable < 0.8 * whole


def test_lora_trains_just_its_matrices_and_the_head() -> None:
    base = model("bert")
    from pefbench.structure import features, linear_modules

    expected = sum(4 * sum(features(base.get_submodule(name))) for name in linear_modules(base)) + head_size(base)
    assert models.count(method("lora", rank=4).apply(base, "TOKEN_CLS"), trainable=True) == expected


def test_targets_are_found_by_their_endings() -> None:
    base = model("bert")
    chosen = Lora(name="lora", target_modules=["query", "output.dense"]).targets(base)
    assert chosen
    assert all(name.endswith((".query", "output.dense")) for name in chosen)
    with pytest.raises(
        MethodError, match=r"method.target_modules: 'q_proj' matches no linear map of BertFor.*valid: .*query"
    ):
        Lora(name="lora", target_modules=["q_proj"]).targets(base)


def outputs_and_gradients(
    adapted: torch.nn.Module, inputs: dict[str, torch.Tensor], *, bf16: bool
) -> list[torch.Tensor]:
    adapted.train()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        logits = adapted(**inputs).logits
    logits.float().square().sum().backward()
    gradients = [weight.grad for weight in adapted.parameters() if weight.requires_grad]
    assert all(gradient is not None for gradient in gradients)
    return [logits.detach().float(), *(gradient for gradient in gradients if gradient is not None)]


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "llama"])
def test_a_fused_layer_computes_as_peft_s(architecture: str, bf16: bool) -> None:
    inputs = {key: value for key, value in batch(architecture).items() if key != "labels"}
    results = []
    for fuse in (False, True):
        changes: dict[str, Any] = dict.fromkeys(DROPOUT.get(architecture, ()), 0.0)
        base = model(architecture, **changes)
        torch.manual_seed(1)
        adapted = method("lora", rank=4).apply(base, "TOKEN_CLS")
        for key, weight in adapted.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(weight, std=0.1)
        if fuse:
            assert fused_lora.fuse(adapted) == sum("lora_A" in key for key, _ in adapted.named_parameters())
        results.append(outputs_and_gradients(adapted, inputs, bf16=bf16))
    tolerance = 3e-2 if bf16 else 1e-5
    for stock, fused in zip(*results, strict=True):
        assert torch.linalg.vector_norm(stock - fused) <= tolerance * torch.linalg.vector_norm(stock) + 1e-7


DROPOUT = {
    "bert": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
    "distilbert": ("dropout", "attention_dropout", "seq_classif_dropout"),
}


def test_only_plain_layers_are_fused() -> None:
    from peft import LoraConfig, get_peft_model

    for options in ({"lora_dropout": 0.5}, {"use_dora": True}):
        adapted = get_peft_model(model("bert"), LoraConfig(target_modules=["query"], **options))
        assert fused_lora.fuse(adapted) == 0


def test_a_disabled_adapter_is_the_base() -> None:
    inputs = {key: value for key, value in batch("bert").items() if key != "labels"}
    base = model("bert").eval()
    with torch.no_grad():
        expected = base(**inputs).logits
        adapted = method("lora").apply(base, "TOKEN_CLS").eval()
        for key, weight in adapted.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(weight)
        fused_lora.fuse(adapted)
        assert not torch.allclose(adapted(**inputs).logits, expected, atol=1e-3)
        with adapted.disable_adapter():  # type: ignore[operator]
            assert torch.equal(adapted(**inputs).logits, expected)
