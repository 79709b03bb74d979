from __future__ import annotations

import pytest
from scipy import stats

from pefbench.stats.student_t import critical_95


@pytest.mark.parametrize("freedom", [*range(1, 31), 31, 40, 1000])
def test_agrees_with_scipy(freedom: int) -> None:
    exact = stats.t.isf(0.025, freedom)
    assert critical_95(freedom) == pytest.approx(exact, rel=5e-4 if freedom <= 30 else 0.04)


def test_no_degrees_of_freedom() -> None:
    assert critical_95(0) == 0.0
