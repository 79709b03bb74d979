"""Runs only a sample of a test's parameters, a different one for each commit: `@pytest.mark.sample(12)` keeps 12.

For tests of every method on every architecture. `--grid SEED` repeats a sample; `--grid all` runs all, as `make matrix`
does.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

WHOLE = "all"
"""The value of `--grid` that runs all parameters."""


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remove from `items` the parameters that `--grid` does not draw."""
    if config.option.grid == WHOLE:
        return
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample"):
            tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = {item for test, cells in tests.items() for item in _left_out(test, cells, config.option.grid)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _left_out(test: str, cells: list[pytest.Item], seed: str) -> list[pytest.Item]:
    marker = cells[0].get_closest_marker("sample")
    assert marker is not None
    [count] = marker.args
    draw = random.Random(f"{seed} {test}")
    return draw.sample(cells, max(0, len(cells) - count))
