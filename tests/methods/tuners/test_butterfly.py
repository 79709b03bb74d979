"""BOFT without PEFT's extension: the requested factors, and PEFT's numbers with fewer operations."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from peft import BOFTConfig, get_peft_model
from peft.tuners.boft.layer import FastBlockDiag
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from pefbench.methods.tuners import butterfly

UNITS = 48


def layer(factors: int = 2, block: int = 4, *, bias: bool = True, dropout: float = 0.0) -> Any:
    """Return a PEFT model of one linear layer with a BOFT adapter away from the identity."""
    butterfly.register()
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(UNITS, 5, bias=bias))
    config = BOFTConfig(
        target_modules=["0"], boft_block_size=block, boft_n_butterfly_factor=factors, boft_dropout=dropout
    )
    model: Any = get_peft_model(base, config)
    for weight in model.parameters():
        if weight.requires_grad:
            nn.init.normal_(weight)
    return model


def gradients(model: Any, x: Tensor, *, bf16: bool = False) -> list[Tensor]:
    torch.manual_seed(1)
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y = model(x)
    y.float().square().sum().backward()
    found = [y.detach().float(), x.grad, *(weight.grad for weight in model.parameters() if weight.requires_grad)]
    assert all(each is not None and torch.isfinite(each).all() for each in found)
    return found


@pytest.mark.parametrize("factors", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bf16", [False, True])
def test_a_fused_layer_computes_as_peft_s(factors: int, bias: bool, bf16: bool) -> None:
    x = torch.randn(2, 3, UNITS)
    stock = gradients(layer(factors, bias=bias), x, bf16=bf16)
    fused = layer(factors, bias=bias)
    assert butterfly.fuse(fused) == 1
    tolerance = 5e-2 if bf16 else 1e-5
    for one, other in zip(stock, gradients(fused, x, bf16=bf16), strict=True):
        assert torch.linalg.vector_norm(one - other) <= tolerance * torch.linalg.vector_norm(one)


def test_a_fused_layer_drops_the_same_blocks() -> None:
    x = torch.randn(4, UNITS)
    stock, fused = layer(dropout=0.5).train(), layer(dropout=0.5).train()
    butterfly.fuse(fused)
    for one, other in zip(gradients(stock, x), gradients(fused, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(fused(x), fused(x))
    assert torch.equal(fused.eval()(x), fused(x))


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_rotations_keep_lengths_and_reach_as_far_as_the_factors_say(factors: int) -> None:
    model = layer(factors)
    [boft] = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    rotation, _ = boft.get_delta_weight("default")
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(UNITS), rtol=1e-4, atol=1e-4)
    reached = (rotation.abs() > 1e-6).sum(1)
    assert boft.boft_R["default"].shape[0] == factors
    assert set(reached.tolist()) == {4 * 2 ** (factors - 1)}


def test_the_block_diagonal_and_its_gradient() -> None:
    butterfly.register()
    blocks = torch.randn(2, 3, 4, 4, dtype=torch.double, requires_grad=True)
    [whole] = butterfly.BlockDiagonal.forward(blocks)
    assert whole.shape == (2, 12, 12)
    assert torch.equal(whole[1, 4:8, 4:8], blocks[1, 1])
    assert int((whole != 0).sum()) == blocks.numel()
    assert torch.autograd.gradcheck(FastBlockDiag.apply, (blocks,))


def test_nothing_is_compiled_and_the_environment_stays() -> None:
    before = dict(os.environ)
    layer(2)
    assert dict(os.environ) == before


def test_a_disabled_or_merged_adapter() -> None:
    model = layer()
    butterfly.fuse(model)
    x = torch.randn(3, UNITS)
    adapted, [linear] = model(x), [module for module in model.modules() if type(module) is nn.Linear]
    with model.disable_adapter():
        assert torch.equal(model(x), linear(x))
    model.merge_adapter()
    torch.testing.assert_close(model(x), adapted, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(adapted, nn.Linear(UNITS, 5)(x))
