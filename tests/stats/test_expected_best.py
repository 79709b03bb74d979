from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pefbench.stats.expected_best import expected_best

FEW = some.lists(some.floats(-1, 1), min_size=1, max_size=4)


@given(FEW)
def test_agrees_with_every_possible_draw(scores: list[float]) -> None:
    for best, better in ((max, True), (min, False)):
        brute = [np.mean([best(drawn) for drawn in product(scores, repeat=n + 1)]) for n in range(len(scores))]
        assert expected_best(scores, higher_is_better=better) == pytest.approx(brute, abs=1e-12)


@given(FEW)
def test_begins_at_the_mean_and_never_falls(scores: list[float]) -> None:
    curve = expected_best(scores)
    assert curve[0] == pytest.approx(np.mean(scores))
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(curve))


def test_no_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="no scores"):
        expected_best([])
