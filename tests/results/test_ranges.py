from __future__ import annotations

from math import inf

import pytest

from pefbench.results.ranges import range_of, within


def test_fractions_and_others() -> None:
    assert range_of("entity_f1", 0.5) == (0.0, 1.0)
    assert range_of("bleu", 31.0) == (0.0, 100.0)
    assert range_of("a_new_metric", 3.0) == (-inf, inf)


@pytest.mark.parametrize(
    ("ends", "expected"), [((0.967, 1.013), (0.967, 1.0)), ((-0.1, 0.2), (0.0, 0.2)), ((0.3, 0.4), (0.3, 0.4))]
)
def test_an_interval_is_cut_off(ends: tuple[float, float], expected: tuple[float, float]) -> None:
    assert within(ends, "accuracy", sum(expected) / 2) == expected
