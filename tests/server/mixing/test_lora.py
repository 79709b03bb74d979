"""Low-rank products of many adapters in one call: each row's result depends only on its own adapter."""

from __future__ import annotations

import pytest
import torch

from pefbench.server.base import _together
from pefbench.server.mixing.lora import LowRank
from pefbench.server.mixing.part import Part

IN, OUT = 48, 32


def adapters(count: int, rank: int, dtype: torch.dtype, scale: float = 2.0) -> list[LowRank]:
    draw = torch.Generator().manual_seed(rank)
    drawn = [torch.randn(rank, IN + OUT, generator=draw, dtype=torch.float32).to(dtype) for _ in range(count)]
    return [LowRank(each[:, :IN].contiguous(), each[:, IN:].T.contiguous(), scale) for each in drawn]


def changed(rows: list[tuple[int, LowRank]], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The output of a module with these adapters, each on so many rows."""
    found, first, changes = y.clone(), 0, list[tuple[slice, Part]]()
    for count, part in rows:
        changes.append((slice(first, first + count), part))
        first += count
    for at, parts in _together(changes):
        parts.leave(x[at], found[at], None)
    return found


@pytest.mark.parametrize("shape", [(9, 16), (9, 48), (9,)])
def test_each_row_has_its_own_product(shape: tuple[int, ...]) -> None:
    few, many = adapters(2, 4, torch.float64), adapters(2, 8, torch.float64, 0.5)
    rows = [(2, few[0]), (1, many[0]), (3, many[1]), (3, few[1])]
    x, y = torch.randn(*shape, IN, dtype=torch.float64), torch.randn(*shape, OUT, dtype=torch.float64)
    expected, first = y.clone(), 0
    for count, part in rows:
        expected[first : first + count] += part.scale * x[first : first + count] @ part.a.T @ part.b.T
        first += count
    torch.testing.assert_close(changed(rows, x, y), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(9, 16), (9, 64), (9,)])
def test_a_row_has_the_bits_that_it_has_alone(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    parts = adapters(5, 8, dtype)
    rows = list(zip((1, 2, 1, 4, 1), parts, strict=True))
    x, y = torch.randn(*shape, IN).to(dtype), torch.randn(*shape, OUT).to(dtype)
    together, first = changed(rows, x, y), 0
    for count, part in rows:
        for row in range(first, first + count):
            at = slice(row, row + 1)
            assert torch.equal(changed([(1, part)], x[at], y[at]), together[at])
        first += count


def test_one_call_serves_all_of_a_rank_and_scale() -> None:
    parts = [*adapters(3, 8, torch.float32), *adapters(2, 4, torch.float32), *adapters(1, 8, torch.float32, 1.0)]
    changes: list[tuple[slice, Part]] = [(slice(at, at + 1), part) for at, part in enumerate(parts)]
    assert [at for at, _ in _together(changes)] == [slice(0, 3), slice(3, 5), slice(5, 6)]
