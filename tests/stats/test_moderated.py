from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pefbench.stats.family import Family
from pefbench.stats.moderated import seed_variance

POSITIVE = some.floats(0, 1e-3)


def made(between: list[float], chance: list[float], seeds: int) -> Family:
    k = len(between)
    return Family(np.zeros(k), np.eye(k) * 1e-3, np.array(chance), np.array(between), (seeds,) * k, 100)


def test_equation_1_of_smyth_with_two_degrees_of_freedom_of_prior() -> None:
    found = seed_variance(made([1e-4, 2e-4, 6e-4], [0.0] * 3, 5))
    assert found.value == pytest.approx([(2 * 3e-4 + 4 * 1e-4) / 6, (2 * 3e-4 + 4 * 2e-4) / 6, 6e-4])
    assert found.freedom.tolist() == [6, 6, 6]


def test_below_five_seeds_each_has_its_own() -> None:
    found = seed_variance(made([1e-4, 2e-4, 6e-4], [0.0, 0.0, 7e-4], 4))
    assert found.value == pytest.approx([1e-4, 2e-4, 7e-4])
    assert found.freedom.tolist() == [3, 3, 3]


@given(some.lists(some.tuples(POSITIVE, POSITIVE), min_size=2, max_size=6), some.integers(2, 12))
def test_never_below_its_own_or_what_the_examples_explain(parts: list[tuple[float, float]], seeds: int) -> None:
    between, chance = zip(*parts, strict=True)
    found = seed_variance(made([*between], [*chance], seeds)).value
    assert np.all(found >= np.array(between))
    assert np.all(found >= np.array(chance))
