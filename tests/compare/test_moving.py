"""Random search with moving ranges: where the next setting is drawn, given the results so far."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pefbench.compare.moving import candidates, drawn_first
from pefbench.compare.search import ways

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE, DROPOUT, BIAS = "train.learning_rate", "method.dropout", "method.bias"
SEARCH = {RATE: {"log_uniform": [1e-4, 1e-2]}, DROPOUT: {"uniform": [0.1, 0.3]}, BIAS: {"choice": ["none", "all"]}}
WAYS = ways(SEARCH, "search")


def tried(rates: Sequence[float], dropouts: Sequence[float] = (0.1, 0.2, 0.3)) -> list[dict[str, Any]]:
    return [{RATE: rate, DROPOUT: dropout, BIAS: "all"} for rate, dropout in zip(rates, dropouts, strict=True)]


def drawn(settings: list[dict[str, Any]], values: Sequence[float | None]) -> list[dict[str, Any]]:
    return [*islice(candidates(WAYS, settings, values, seed=0, higher=True), 100)]


def ends(settings: Sequence[dict[str, Any]], field: str) -> tuple[float, float]:
    return min(each[field] for each in settings), max(each[field] for each in settings)


@pytest.mark.parametrize(
    ("values", "rates"),
    [
        ([0.1, 0.2, 0.9], (5e-3, 5e-1)),  # the largest rate is the best: the range lies beyond 5e-3
        ([0.9, 0.2, 0.1], (2e-6, 2e-4)),
        ([0.1, 0.9, 0.2], (1e-4, 1e-2)),  # within: the range stays
        ([None, None, None], (1e-4, 1e-2)),
        ([None, 0.2, 0.9], (5e-3, 5e-1)),
    ],
)
def test_a_range_lies_beyond_the_best_where_that_lies_at_an_end(
    values: list[float | None], rates: tuple[float, float]
) -> None:
    low, high = ends(drawn(tried([2e-4, 1e-3, 5e-3]), values), RATE)
    assert (low, high) == pytest.approx(rates, rel=0.2)
    assert rates[0] <= low < high <= rates[1]


def test_each_field_moves_by_its_own_end() -> None:
    found = drawn(tried([2e-4, 1e-3, 5e-3], dropouts=[0.15, 0.3, 0.2]), [0.1, 0.2, 0.9])
    assert ends(found, RATE)[1] > 1e-2
    assert ends(found, DROPOUT) == pytest.approx((0.1, 0.3), abs=0.02)
    assert ends(found, RATE)[0] >= 5e-3
    assert {each[BIAS] for each in found} == {"none", "all"}


def test_a_range_that_has_moved_moves_on_or_back() -> None:
    rates, dropouts = [2e-4, 1e-3, 5e-3, 3e-2, 2e-1], [0.1, 0.2, 0.3, 0.2, 0.2]
    assert ends(drawn(tried(rates, dropouts), [0.1, 0.2, 0.3, 0.4, 0.9]), RATE) == pytest.approx((0.2, 20), rel=0.2)
    assert ends(drawn(tried(rates, dropouts), [0.1, 0.2, 0.3, 0.9, 0.4]), RATE) == pytest.approx((3e-3, 0.3), rel=0.2)
    assert ends(drawn(tried(rates, dropouts), [0.1, 0.2, 0.9, 0.4, 0.3]), RATE) == pytest.approx((1e-4, 1e-2), rel=0.2)


@pytest.mark.parametrize(("trials", "first"), [(1, 1), (2, 2), (3, 3), (5, 3), (6, 3), (7, 4), (20, 10), (None, 3)])
def test_half_of_the_budget_is_drawn_from_the_ranges_as_they_are_given(trials: int | None, first: int) -> None:
    assert drawn_first(trials) == first


@given(some.lists(some.floats(0, 1), min_size=3, max_size=9), some.integers(0, 9))
def test_each_setting_is_new_and_follows_from_those_before_and_the_seed(values: list[float], seed: int) -> None:
    settings = tried([10 ** (-4 + place / 5) for place in range(len(values))], [0.1] * len(values))
    found = [*islice(candidates(WAYS, settings, values, seed=seed, higher=False), 5)]
    again = [*islice(candidates(WAYS, settings, values, seed=seed, higher=False), 5)]
    assert found == again
    assert all(each not in settings and math.isfinite(each[RATE]) for each in found)
