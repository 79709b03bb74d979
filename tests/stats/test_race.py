"""Racing: a worse setting leaves and equal ones stay, at the stated level."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.libqsturng import psturng

from pefbench.stats.race import worse


def layout(
    source: np.random.Generator, effects: list[float], seeds: int, noise: float = 0.01
) -> dict[int, list[float]]:
    """Scores of settings: an effect of each, one of the seed, and noise."""
    moved = source.normal(0, 0.03, seeds)
    return {k: [*(0.8 + effect + moved + source.normal(0, noise, seeds))] for k, effect in enumerate(effects)}


def test_the_chance_is_tukeys() -> None:
    scores = layout(np.random.default_rng(0), [0.0, -0.02, -0.03], 4)
    found = worse(scores, 1.0, higher=True)
    table = np.array([scores[k] for k in range(3)])
    left = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    error = np.sqrt((left**2).sum() / 6 / 4)
    for k, gap in enumerate(table.mean(1).max() - table.mean(1)):
        if 0.001 < found.get(k, 1.0) < 0.9:
            assert found[k] == pytest.approx(float(np.ravel(psturng(gap / error, 3, 6))[0]), abs=0.01)


def test_equal_settings_are_rarely_dropped() -> None:
    source = np.random.default_rng(1)
    dropped = sum(bool(worse(layout(source, [0.0] * 4, 5), 0.05, higher=True)) for _ in range(600))
    assert 0.02 < dropped / 600 < 0.08  # three standard errors around 5 % are 2.7


def test_a_setting_that_is_far_worse_is_dropped_whichever_way_is_better() -> None:
    scores = layout(np.random.default_rng(2), [0.0, 0.001, -0.2], 3)
    assert set(worse(scores, 0.05, higher=True)) == {2}
    losses = {k: [1 - value for value in values] for k, values in scores.items()}
    assert set(worse(losses, 0.05, higher=False)) == {2}


@pytest.mark.parametrize(
    "scores",
    [{0: [0.5, 0.5, 0.5]}, {0: [0.9, 0.9], 1: [0.1, 0.1]}, {0: [0.9, 0.8, 0.7], 1: [0.8, 0.7, 0.6]}],
    ids=["one", "two seeds", "no noise"],
)
def test_what_cannot_be_told_drops_nothing(scores: dict[int, list[float]]) -> None:
    assert worse(scores, 0.05, higher=True) == {}
