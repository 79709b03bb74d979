"""Samples of a test's parameters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import sampling


@pytest.mark.sample(3)
@pytest.mark.parametrize("number", range(10))
def test_a_sampled_one(number: int) -> None:
    """What the test below counts."""
    assert number in range(10)


def drawn(items: list[pytest.Item], seed: str) -> list[str]:
    """The names that are left of `items` with a seed."""
    hook = SimpleNamespace(pytest_deselected=lambda **_: None)
    config = SimpleNamespace(option=SimpleNamespace(grid=seed), hook=hook)
    left = [*items]
    sampling.deselect(cast("Any", config), left)
    return [item.name for item in left]


def test_each_seed_draws_as_many_and_all_means_all(request: pytest.FixtureRequest) -> None:
    module = cast("pytest.Module", request.node.parent)
    items = [item for item in module.collect() if isinstance(item, pytest.Item)]
    own = request.node.name
    samples = [drawn(items, str(seed)) for seed in range(6)]
    for names in samples:
        assert own in names
        assert len(names) == 1 + 3
    assert samples[0] == drawn(items, "0")
    assert len({tuple(names) for names in samples}) > 1
    assert drawn(items, "all") == [item.name for item in items]
    assert len(items) == 1 + 10
