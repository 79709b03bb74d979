"""Where a method's next setting is placed, given the results so far."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pefbench.compare.placing import candidates

RATE = "train.learning_rate"


def tried(*rates: Any) -> list[dict[str, Any]]:
    return [{RATE: rate, "method.bias": "none"} for rate in rates]


def placed(rates: list[Any], values: list[float | None], *, higher: bool = True) -> list[Any]:
    return [each[RATE] for each in candidates(tried(*rates), values, higher=higher)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.9, 0.5, 0.4], [1e-5, 3.16e-4]),  # a step beyond the lower end, then between
        ([0.4, 0.5, 0.9], [1e-1, 3.16e-3]),
        ([0.4, 0.9, 0.5], [3.16e-3, 3.16e-4]),  # within: towards the better neighbour first
        ([0.0, 0.9, 0.0], [3.16e-3, 3.16e-4]),  # alike, as where one learns nothing and the other fails: the larger
        ([0.4, 0.9, None], [3.16e-4, 3.16e-3]),  # the end failed, so the range goes no further there
    ],
)
def test_beyond_the_end_at_which_the_best_lies_or_beside_it(values: list[float | None], expected: list[float]) -> None:
    assert placed([1e-4, 1e-3, 1e-2], values) == pytest.approx(expected)


def test_after_one_side_of_the_best_comes_the_other() -> None:
    """As MAM adapters on sentiment: the best rate lies below one at which training fails, and lower ones are worse."""
    rates = [1.58e-4, 5e-4, 1.58e-3]
    values: list[float | None] = [0.566, 0.699, 0.488]
    assert placed(rates, values)[0] == pytest.approx(2.81e-4)
    assert placed([*rates, 2.81e-4], [*values, 0.601])[0] == pytest.approx(8.89e-4)
    assert placed([*rates, 2.81e-4], [*values, 0.8])[0] == pytest.approx(3.75e-4), "as far: the better"
    assert placed([0.0, 0.2, 0.4, 0.1], [0.5, 0.9, 0.4, 0.6])[0] == pytest.approx(0.3)


def test_lower_may_be_better() -> None:
    assert placed([1e-4, 1e-3, 1e-2], [0.9, 0.5, 0.4], higher=False)[0] == pytest.approx(1e-1)


def test_a_whole_number_stays_one_and_zero_is_passed_in_even_steps() -> None:
    assert placed([4, 8, 16], [0.1, 0.2, 0.3]) == [32, 11]
    assert placed([1, 2, 4], [0.3, 0.2, 0.1]) == []  # 0.5 and 1.4 would be 1 again
    assert placed([0.0, 0.1, 0.2], [0.1, 0.2, 0.3]) == pytest.approx([0.3, 0.15])


def test_of_two_values_or_none_that_is_a_number_nothing_is_moved() -> None:
    assert placed([1e-4, 1e-3], [0.1, 0.2]) == []
    assert placed(["a", "b", "c"], [0.1, 0.2, 0.3]) == []
    assert placed([True, False, None], [0.1, 0.2, 0.3]) == []
    assert placed([1e-4, 1e-3, 1e-2], [None, None, None]) == []


def test_the_other_fields_are_the_best_settings() -> None:
    settings = [{RATE: rate, "train.epochs": epochs} for rate in (1e-4, 1e-3, 1e-2) for epochs in (1, 2)]
    found = list(candidates(settings, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], higher=True))
    assert found[0] == {RATE: pytest.approx(1e-1), "train.epochs": 2}


@given(some.lists(some.floats(0, 1), min_size=3, max_size=3), some.integers(1, 6))
def test_each_setting_is_new_and_follows_from_those_before(values: list[float], more: int) -> None:
    settings = tried(1e-4, 1e-3, 1e-2)
    scores: list[float | None] = [*values]
    for turn in range(more):
        found = list(candidates(settings, scores, higher=True))
        assert found == list(candidates(settings, scores, higher=True))
        assert all(each not in settings for each in found)
        settings.append(found[0])
        scores.append(turn / 10)
