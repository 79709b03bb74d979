"""Compacter: projections by their definition, and the shared rule."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file
from torch import Tensor, nn

from pefbench.errors import MethodError
from pefbench.methods.tuners.bottleneck import BottleneckLayer
from pefbench.methods.tuners.bottleneck_config import BottleneckConfig
from pefbench.methods.tuners.phm import RULE_DEVIATION, PhmLinear, new_rule
from pefbench.models import sublayers
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

DIM, SIZE = 4, 8


def wrap(architecture: str = "llama", **options: Any) -> Any:
    fields: dict[str, Any] = {"phm_dim": DIM, "bottleneck_size": SIZE, "activation": "gelu"}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return get_peft_model(tiny.model(architecture), BottleneckConfig(**(fields | options))).eval()


def shake(model: nn.Module) -> None:
    """Move every trainable weight away from its initial value."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.3)


def adapted(model: nn.Module) -> dict[str, Any]:
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, BottleneckLayer)}


def rules(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in model.named_parameters() if "bottleneck_rule" in name}


@torch.no_grad()
def logits(model: nn.Module, architecture: str = "llama") -> Tensor:
    found: Tensor = model(**tiny.batch(architecture)).logits
    return found


@settings(max_examples=40, deadline=None)
@given(
    dim=st.integers(1, 5),
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 4),
    rank=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_a_projection_is_the_sum_of_its_kronecker_products(
    dim: int, inputs: int, outputs: int, rank: int, seed: int
) -> None:
    torch.manual_seed(seed)
    linear, rule = PhmLinear(dim * inputs, dim * outputs, dim, rank).double(), torch.randn(dim, dim, dim).double()
    nn.init.normal_(linear.bias)
    products = [torch.kron(rule[i], linear.left[i] @ linear.right[i]) for i in range(dim)]
    expected = torch.stack(products).sum(0)
    assert torch.allclose(linear.weight(rule), expected)
    x = torch.randn(2, 3, dim * inputs).double()
    assert torch.allclose(linear(x, rule), x @ expected + linear.bias)


def test_gradients_of_a_projection() -> None:
    linear, rule = PhmLinear(4, 6, 2, 1).double(), torch.randn(2, 2, 2).double().requires_grad_()
    x = torch.randn(3, 4).double().requires_grad_()
    weights = (x, rule, linear.left, linear.right, linear.bias)
    assert torch.autograd.gradcheck(lambda *_: linear(x, rule), weights)


def test_a_new_adapter_hardly_changes_the_model() -> None:
    torch.manual_seed(0)
    assert float(new_rule(16).detach().std()) == pytest.approx(RULE_DEVIATION, rel=0.05)
    fresh = PhmLinear(400, 40, 4, 1)
    bound = (6 / (100 + 1)) ** 0.5  # Glorot and Bengio 2010, equation 16, of one factor: 100 inputs, rank 1
    assert 0.95 * bound < float(fresh.left.detach().abs().max()) <= bound
    base = logits(tiny.model("llama"))
    start = logits(wrap())
    assert not torch.equal(start, base)
    torch.testing.assert_close(start, base, rtol=0, atol=1e-5)
    for same in (wrap(init="identity"), wrap(variant="parallel")):
        assert torch.equal(logits(same), base)


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama", "t5", "bart"])
def test_all_layers_share_one_rule(architecture: str) -> None:
    model, bare = wrap(architecture), tiny.model(architecture)
    [(owner, rule)] = rules(model).items()
    assert rule.shape == (DIM, DIM, DIM)
    assert owner.startswith(next(iter(adapted(model))))
    places = len(sublayers.feed_forwards(bare)) + len(sublayers.attention_outputs(bare))
    assert len(adapted(model)) == places
    one = 2 * (tiny.HIDDEN + SIZE) + tiny.HIDDEN + SIZE  # factors of rank one of both projections, and two biases
    trained = [weight.numel() for weight in model.parameters() if weight.requires_grad]
    assert sum(trained) == DIM**3 + places * one


def test_the_gradient_of_the_rule_comes_from_every_layer() -> None:
    model = wrap()
    shake(model)
    [rule] = rules(model).values()
    whole = torch.autograd.grad(model(**tiny.batch("llama")).loss, rule)[0]
    parts = []
    for name in adapted(model):
        apart = copy.deepcopy(model)
        layer = adapted(apart)[name]
        own = nn.Parameter(rule.detach().clone())
        layer.rule_owners = {"default": type("Owner", (), {"bottleneck_rule": {"default": own}})()}
        parts.append(torch.autograd.grad(apart(**tiny.batch("llama")).loss, own)[0])
    assert len(parts) == 2 * tiny.LAYERS
    assert all(part.abs().sum() > 0 for part in parts)
    torch.testing.assert_close(torch.stack(parts).sum(0), whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("low_memory", [False, True])
def test_the_rule_is_saved_once_and_loaded_for_all(low_memory: bool, tmp_path: Path) -> None:
    model = wrap()
    shake(model)
    model.save_pretrained(tmp_path)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    assert sum("rule" in name for name in saved) == 1
    assert sum(weight.numel() for weight in saved.values()) == sum(
        weight.numel() for weight in model.parameters() if weight.requires_grad
    )
    loaded = PeftModel.from_pretrained(tiny.model("llama"), tmp_path, low_cpu_mem_usage=low_memory).eval()
    assert torch.equal(logits(loaded), logits(model))
    [rule] = rules(loaded).values()
    with torch.no_grad():
        rule.zero_()
        assert not torch.equal(logits(loaded), logits(model))
    assert all(layer.rule_owners["default"].bottleneck_rule["default"] is rule for layer in adapted(loaded).values())


def test_a_deep_copy_shares_its_own_rule() -> None:
    model = wrap()
    shake(model)
    expected = logits(model)
    twin = copy.deepcopy(model)
    [rule] = rules(twin).values()
    with torch.no_grad():
        rule.zero_()
    assert torch.equal(logits(model), expected)
    assert not torch.equal(logits(twin), expected)


def test_adapters_of_one_model_have_their_own_rules() -> None:
    model = wrap()
    shake(model)
    first = logits(model)
    model.add_adapter("other", BottleneckConfig(variant="pfeiffer", phm_dim=2, phm_rank=2, init="identity"))
    assert torch.equal(logits(model), first)
    model.set_adapter("other")
    assert torch.equal(logits(model), logits(tiny.model("llama")))
    assert {weight.shape for name, weight in rules(model).items() if weight.requires_grad} == {(2, 2, 2)}
    model.set_adapter("default")
    model.delete_adapter("other")
    assert len(rules(model)) == 1
    assert torch.equal(logits(model), first)


def test_only_after_the_feed_forward() -> None:
    model = wrap(variant="pfeiffer")
    expected = [feed_forward.output for feed_forward in sublayers.feed_forwards(tiny.model("llama"))]
    assert [name.removeprefix("base_model.model.") for name in adapted(model)] == expected


def test_autocast_rounds_the_projection_once() -> None:
    model = wrap()
    shake(model)
    layer = next(iter(adapted(model).values()))
    down, rule = layer.bottleneck_down["default"], next(iter(rules(model).values()))
    exact = down.weight(rule)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(down.weight(rule), exact)
        output = model(**tiny.batch("llama"))
    output.loss.backward()
    assert all(weight.grad is not None and weight.grad.dtype == torch.float32 for weight in rules(model).values())
    torch.testing.assert_close(output.logits.float(), logits(model), rtol=0.1, atol=0.1)


@given(hidden=st.integers(1, 4096), factor=st.floats(0.1, 100), dim=st.integers(1, 8))
def test_the_bottleneck_is_the_largest_multiple_that_the_factor_allows(hidden: int, factor: float, dim: int) -> None:
    size = BottleneckConfig(reduction_factor=factor, phm_dim=dim).size(hidden)
    assert size % dim == 0
    assert size == dim or size <= hidden / factor
    assert size + dim > int(hidden / factor)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"phm_dim": 5, "bottleneck_size": None},
            r"the hidden size at model\.layers\.\S+ is 16, not a multiple of phm_dim, 5",
        ),
        ({"bottleneck_size": 6}, r"the bottleneck size at model\.layers\.\S+ is 6, not a multiple of phm_dim, 4"),
        ({"phm_dim": 0}, "phm_dim is 0; it must be at least 1"),
        ({"phm_rank": 0}, "phm_rank is 0; it must be at least 1"),
    ],
)
def test_sizes_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message) as caught:
        wrap(**options)
    assert "\n" not in str(caught.value)
