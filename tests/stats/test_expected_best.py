from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pefbench.stats.expected_best import expected_best

FEW = some.lists(some.floats(-1, 1), min_size=1, max_size=4)


@given(FEW)
def test_agrees_with_every_possible_draw(scores: list[float]) -> None:
    for best, better in ((max, True), (min, False)):
        brute = [np.mean([best(drawn) for drawn in combinations(scores, n + 1)]) for n in range(len(scores))]
        assert expected_best(scores, higher_is_better=better) == pytest.approx(brute, abs=1e-12)


@given(FEW)
def test_begins_at_the_mean_and_never_falls(scores: list[float]) -> None:
    curve = expected_best(scores)
    assert curve[0] == pytest.approx(np.mean(scores))
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(curve))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((0.9430, 0.9430, 0.2246), (0.7035, 0.9430, 0.9430)), ((0.5772, 0.55, 0.0), (0.3757, 0.5681, 0.5772))],
)
def test_worked_cases(scores: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert expected_best(scores) == pytest.approx(expected, abs=5e-5)


@given(FEW)
def test_all_trials_together_reach_the_best(scores: list[float]) -> None:
    assert expected_best(scores)[-1] == pytest.approx(max(scores))
    assert expected_best(scores, higher_is_better=False)[-1] == pytest.approx(min(scores))


def test_no_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="no scores"):
        expected_best([])
