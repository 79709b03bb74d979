from __future__ import annotations

from math import inf

import pytest

from pefbench.results.ranges import default_margin, margin_of_all, range_of, within


def test_fractions_and_others() -> None:
    assert range_of("entity_f1", 0.5) == (0.0, 1.0)
    assert range_of("bleu", 31.0) == (0.0, 100.0)
    assert range_of("a_new_metric", 3.0) == (-inf, inf)


@pytest.mark.parametrize(
    ("ends", "expected"), [((0.967, 1.013), (0.967, 1.0)), ((-0.1, 0.2), (0.0, 0.2)), ((0.3, 0.4), (0.3, 0.4))]
)
def test_an_interval_is_cut_off(ends: tuple[float, float], expected: tuple[float, float]) -> None:
    assert within(ends, "accuracy", sum(expected) / 2) == expected


@pytest.mark.parametrize(
    ("margin", "name", "value", "is_told"),
    [
        (1.0, "entity_f1", 0.5, True),
        (0.99, "entity_f1", 0.5, False),
        (1.0, "matthews", 0.5, False),
        (2.0, "matthews", 0.5, True),
        (1.0, "bleu", 31.0, False),
        (1.0, "a_new_metric", 3.0, False),
        (50.0, "perplexity", 20.0, False),
    ],
)
def test_a_margin_as_wide_as_the_range_is_told(margin: float, name: str, value: float, is_told: bool) -> None:
    said = margin_of_all(margin, name, value)
    assert (said is not None) == is_told
    assert said is None or f"margin: {margin:g} is as wide as the whole range of {name}" in said


def test_a_default_margin_is_a_hundredth_of_the_largest_value_or_of_the_value() -> None:
    assert default_margin("accuracy", 0.5) == 0.01
    assert default_margin("bleu", 31.0) == 1.0
    assert default_margin("perplexity", 20.0) == 0.2
    assert default_margin("cider", 0.8) == 0.008  # not .1: nobody comes near its largest value, 10


def test_an_interval_of_cider_ends_at_its_largest_value() -> None:
    assert within((0.1, 225142.0), "cider", 0.8) == (0.1, 10.0)
