"""The CPU kernels: dropout with the right rate and scale, linear layers with the right gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from pefbench.models import cpu_kernels
from pefbench.models.cpu_kernels import LEVELS, cheap_dropout, drop, fast_linear, fast_on_cpu, product
from pefbench.models.patches.functional import stock_dropout, stock_linear


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
def test_rate_and_scale(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    ones = torch.ones(401, 997, dtype=dtype)
    dropped = cheap_dropout(ones, p)
    rate = (dropped == 0).double().mean().item()
    assert rate == pytest.approx(p, abs=5 * (p * (1 - p) / ones.numel()) ** 0.5 + 1 / 65536)
    assert dropped.dtype == dtype
    assert dropped[dropped != 0].unique().tolist() == [
        pytest.approx(1 / (1 - p), rel=1e-2 if dtype != torch.float32 else 1e-3)
    ]


def test_neighbours_are_independent() -> None:
    torch.manual_seed(0)
    kept = (cheap_dropout(torch.ones(1 << 20), 0.3) != 0).double() - 0.7
    for lag in (1, 2, 3, 4, 5, 8):
        correlation = (kept[lag:] * kept[:-lag]).mean() / kept.var()
        assert abs(correlation.item()) < 0.005, lag


def test_gradients_pass_where_values_pass() -> None:
    torch.manual_seed(0)
    x = torch.randn(1001, requires_grad=True)
    y = cheap_dropout(x, 0.4)
    y.sum().backward()
    assert x.grad is not None
    assert torch.allclose(y, x * x.grad)
    assert 0 < (x.grad == 0).sum() < 1001


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("permuted", [False, True])
def test_what_is_kept_is_that_of_the_plain_choice(dtype: torch.dtype, permuted: bool) -> None:
    """Bit for bit, forwards and backwards; a zero may have another sign."""
    torch.manual_seed(0)
    bits = torch.randint(-(2**15), 2**15, (5, 7, 12), dtype=torch.int16)[..., :11]
    values, grad = torch.randn(5, 11, 7) if permuted else torch.randn(5, 7, 11), torch.randn(5, 7, 11).to(dtype)
    dropped = 6554
    plain = values.to(dtype).requires_grad_()
    ours = plain.detach().clone().requires_grad_()
    x, z = (each.transpose(1, 2) if permuted else each for each in (plain, ours))
    expected = torch.where(bits >= dropped - LEVELS // 2, x * (LEVELS / (LEVELS - dropped)), 0)
    found = drop(z, bits, dropped)
    expected.backward(grad)
    found.backward(grad)
    assert torch.equal(found, expected)
    assert plain.grad is not None
    assert ours.grad is not None
    assert torch.equal(ours.grad, plain.grad)
    assert found.dtype == dtype
    assert (found == 0).any()


def test_the_generator_repeats_it() -> None:
    draws = [cheap_dropout(torch.ones(50), 0.5) for _ in range(2) if torch.manual_seed(3)]
    assert torch.equal(*draws)


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.5, False), (1.0, True)])
def test_nothing_to_draw_is_left_to_torch(p: float, training: bool) -> None:
    x = torch.randn(7)
    assert torch.equal(cheap_dropout(x, p, training), stock_dropout(x, p, training))


def test_it_is_in_force_only_inside() -> None:
    module = torch.nn.Dropout(0.5)
    with fast_on_cpu():
        assert functional.dropout is cheap_dropout
        assert functional.linear is fast_linear
        torch.manual_seed(1)
        inside = module(torch.ones(100))
    torch.manual_seed(1)
    assert torch.equal(inside, cheap_dropout(torch.ones(100), 0.5))
    assert functional.dropout is stock_dropout
    assert functional.linear is stock_linear


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (1, 1, 7), (0, 7)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_linear_is_torch_s(shape: tuple[int, ...], bias: bool, frozen: bool) -> None:
    torch.manual_seed(0)
    x, weight, offset = torch.randn(shape), torch.randn(4, 7), torch.randn(4) if bias else None
    gradients = []
    for linear in (stock_linear, fast_linear):
        inputs = x.clone().requires_grad_()
        weights = weight.clone().requires_grad_(not frozen)
        offsets = None if offset is None else offset.clone().requires_grad_(not frozen)
        y = linear(inputs, weights, offsets)
        (y * torch.arange(y.numel()).view(y.shape)).sum().backward()
        gradients.append([y.detach(), inputs.grad, weights.grad, None if offsets is None else offsets.grad])
    for stock, fast in zip(*gradients, strict=True):
        assert (stock is None) == (fast is None)
        assert stock is None or torch.allclose(stock, fast, rtol=1e-5, atol=1e-5)


def test_linear_under_autocast_is_torch_s() -> None:
    x, weight = torch.randn(3, 7), torch.randn(4, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert fast_linear(x, weight).dtype == torch.bfloat16


@pytest.mark.skipif(cpu_kernels.onednn_linear is None, reason="this torch has no oneDNN")
@pytest.mark.parametrize("part", ["columns", "first rows", "every second row", "transposed", "whole"])
def test_onednn_gets_no_matrix_with_gaps(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no kernel for one: a product of VeRA's matrices, which are parts of wider ones, took a second."""
    given: list[torch.Tensor] = []
    onednn = cpu_kernels.onednn_linear

    def spy(x: torch.Tensor, weight: torch.Tensor, *rest: object) -> torch.Tensor:
        given.append(weight)
        assert onednn is not None
        result: torch.Tensor = onednn(x, weight, *rest)
        return result

    monkeypatch.setattr(cpu_kernels, "onednn_linear", spy)
    whole, x = torch.randn(24, 24), torch.randn(5, 12)
    weight = {
        "columns": whole[:, :12],
        "first rows": torch.randn(24, 12)[:7],
        "every second row": torch.randn(24, 12)[::2],
        "transposed": torch.randn(12, 24).T,
        "whole": torch.randn(24, 12),
    }[part]
    torch.testing.assert_close(product(x, weight), stock_linear(x, weight))
    assert bool(given) == (part in {"first rows", "transposed", "whole"})
