"""Dropout by example and step: the right rate, independent of all that it should be, and of nothing that it should not.

The seeds are fixed, so a test of chance passes always or never.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from pefbench.models.cpu_kernels import fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout

ROWS = list(range(100, 132))
SHAPE = (len(ROWS), 24, 40)


def masks(calls: int = 1, *, p: float = 0.5, seed: int = 7, step: int = 3, rows: list[int] = ROWS) -> torch.Tensor:
    """Which elements are kept, by each of so many calls of one forward: (calls, rows, positions, features)."""
    dropout = KeyedDropout(seed)
    dropout.start(step, rows)
    return torch.stack([dropout(torch.ones(len(rows), *SHAPE[1:]), p) != 0 for _ in range(calls)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.00001, 0.05, 0.1, 0.5, 0.9])
def test_rate_and_scale(p: float, dtype: torch.dtype) -> None:
    dropout = KeyedDropout(0)
    dropout.start(0, ROWS)
    ones = torch.ones(32, 101, 199, dtype=dtype)
    dropped = dropout(ones, p)
    rate = (dropped == 0).double().mean().item()
    assert rate == pytest.approx(p, abs=4 * (p * (1 - p) / ones.numel()) ** 0.5 + 1 / 65536)
    assert dropped.dtype == dtype
    exact = 1e-2 if dtype != torch.float32 else 1e-3
    assert dropped[dropped != 0].unique().tolist() == [pytest.approx(1 / (1 - p), rel=exact)]


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_each_row_position_feature_call_and_step_has_the_rate(p: float) -> None:
    kept = torch.stack([masks(8, p=p, step=step) for step in range(16)]).numpy()
    for axis in range(kept.ndim):
        others = tuple(each for each in range(kept.ndim) if each != axis)
        count, each = kept.sum(others), kept.size / kept.shape[axis]
        statistic = ((count - each * (1 - p)) ** 2 / (each * p * (1 - p))).sum()
        assert 1e-3 < stats.chi2.sf(statistic, kept.shape[axis]) < 1 - 1e-3, axis


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_two_of_a_kind_are_independent(p: float) -> None:
    """Rows, positions, features, calls and steps: how often both, one or neither of two neighbours is dropped."""
    kept = torch.stack([masks(8, p=p, step=step) for step in range(8)]).numpy()
    for axis, lag in itertools.product(range(kept.ndim), (1, 2, 3, 4, 5, 7)):
        span = kept.shape[axis]
        one, other = (kept.take(range(*ends), axis).ravel() for ends in ((0, span - lag), (lag, span)))
        table = np.bincount(2 * one + other.astype(np.int64), minlength=4).reshape(2, 2)
        assert stats.chi2_contingency(table, correction=False).pvalue > 1e-3, (axis, lag)


def test_patterns_of_neighbours_are_equally_frequent() -> None:
    """All 256 patterns of eight features, which share two hashes, and of four features in two rows, at a half."""
    kept = masks(64).numpy().astype(np.int64)
    powers = 2 ** np.arange(8)
    alone = (kept.reshape(-1, 8) * powers).sum(-1)
    pairs = np.concatenate([kept[:, 0::2].reshape(-1, 4), kept[:, 1::2].reshape(-1, 4)], axis=-1) @ powers
    for patterns in (alone, pairs):
        assert 1e-3 < stats.chisquare(np.bincount(patterns, minlength=256)).pvalue < 1 - 1e-3


@pytest.mark.parametrize("shape", [(32, 64, 512), (8, 12, 40, 160), (96, 40, 160)])
def test_no_hash_comes_twice(shape: tuple[int, ...]) -> None:
    """Of different places, calls and steps; of so many random ones of 64 bits, it would once in ten million tries."""
    dropout = KeyedDropout(0)
    hashes = []
    for step in range(2):
        dropout.start(step, ROWS[:8])
        for _ in range(2):
            dropout(torch.ones(1), 0.5)
            hashes.append(dropout._bits(torch.Size(shape)).contiguous().view(torch.int64).flatten())
    assert len(torch.cat(hashes).unique()) == sum(map(len, hashes))


def test_the_seed_the_step_the_row_and_the_call_are_in_the_key() -> None:
    first = masks(2)
    assert torch.equal(first, masks(2)), "the same key draws the same again"
    different = [first[0], first[1], masks(seed=8)[0], masks(step=4)[0], masks(rows=[row + 32 for row in ROWS])[0]]
    for one, other in itertools.combinations(different, 2):
        assert (one == other).double().mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_a_row_has_its_mask_whoever_stands_beside_it(p: float) -> None:
    whole = masks(3, p=p)
    for chosen in ([0], [31, 4], [5, 6, 7], list(range(0, 32, 2))):
        assert torch.equal(masks(3, p=p, rows=[ROWS[i] for i in chosen]), whole[:, chosen])


@pytest.mark.parametrize(
    ("padded", "shorter"),
    [
        ((6, 13, 10), (6, 9, 10)),  # rows, positions, features
        ((6, 2, 13, 13), (6, 2, 9, 9)),  # rows, heads, queries, keys
        ((12, 13, 13), (12, 9, 9)),  # rows times heads, queries, keys
        ((6, 13), (6, 9)),
    ],
)
def test_padding_does_not_move_the_mask(padded: tuple[int, ...], shorter: tuple[int, ...]) -> None:
    dropout = KeyedDropout(1)
    drawn = []
    for shape in (padded, shorter):
        dropout.start(2, ROWS[:6])
        drawn.append(dropout(torch.ones(shape), 0.4))
    assert torch.equal(drawn[0][tuple(map(slice, shorter))], drawn[1])


def test_rows_times_positions_are_positions_of_rows() -> None:
    dropout = KeyedDropout(1)
    drawn = []
    for length in (9, 5):
        dropout.start(2, ROWS[:4])
        drawn.append(dropout(torch.ones(4 * length, 7), 0.4).view(4, length, 7))
    assert torch.equal(drawn[0][:, :5], drawn[1])


@pytest.mark.parametrize("shape", [(7, 5), (1,), (), (0, 4), (4, 0)])
def test_what_belongs_to_no_row_is_the_same_for_all(shape: tuple[int, ...]) -> None:
    dropout = KeyedDropout(1)
    drawn = []
    for rows in (ROWS[:4], ROWS[4:10]):
        dropout.start(2, rows)
        drawn.append(dropout(torch.ones(shape), 0.5))
    assert drawn[0].shape == shape
    assert torch.equal(*drawn)


def test_gradients_pass_where_values_pass() -> None:
    x = torch.randn(SHAPE, requires_grad=True)
    dropout = KeyedDropout(0)
    dropout.start(0, ROWS)
    y = dropout(x, 0.4)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(y, x * x.grad)
    assert torch.equal(x.grad == 0, y == 0)
    dropout.start(0, ROWS)
    assert torch.equal(x.grad, dropout(torch.ones(SHAPE), 0.4))


def test_in_place_it_is_the_same() -> None:
    x = torch.ones(SHAPE)
    dropout = KeyedDropout(0)
    dropout.start(0, ROWS)
    y = dropout(x, 0.4)
    dropout.start(0, ROWS)
    assert dropout(x, 0.4, inplace=True) is x
    assert torch.equal(x, y)


def test_torch_s_generator_has_no_part_in_it() -> None:
    module = torch.nn.Dropout(0.5)
    dropout = KeyedDropout(0)
    drawn = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        dropout.start(0, ROWS)
        with fast_on_cpu(dropout):
            drawn.append(module(torch.ones(SHAPE)))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*drawn)


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.5, False), (1.0, True)])
def test_nothing_to_draw_is_torch_s(p: float, training: bool) -> None:
    x = torch.randn(SHAPE)
    dropout = KeyedDropout(0)
    dropout.start(0, ROWS)
    assert torch.equal(dropout(x, p, training), x if p < 1 else torch.zeros_like(x))
