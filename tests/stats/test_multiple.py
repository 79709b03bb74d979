from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from statsmodels.stats.contingency_tables import mcnemar as expected_mcnemar
from statsmodels.stats.multitest import multipletests

from pefbench.stats.holm import holm
from pefbench.stats.mcnemar import mcnemar


@settings(max_examples=30)  # statsmodels takes a tenth of a second
@given(some.lists(some.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())


def test_holm_of_nothing_and_of_what_is_no_probability() -> None:
    assert holm([]) == []
    with pytest.raises(ValueError, match="no probability"):
        holm([0.5, float("nan")])


@given(some.lists(some.tuples(some.booleans(), some.booleans()), min_size=1, max_size=60))
def test_mcnemar_agrees_with_statsmodels(outcomes: list[tuple[bool, bool]]) -> None:
    first, second = zip(*outcomes, strict=True)
    table = np.zeros((2, 2), dtype=int)
    for one, other in outcomes:
        table[1 - one, 1 - other] += 1
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (table[0, 1], table[1, 0])
    if found.only_first + found.only_second:
        assert found.p == pytest.approx(expected_mcnemar(table, exact=True).pvalue)
    else:
        assert found.p == 1.0


def test_mcnemar_of_other_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="of 1 and of 2"):
        mcnemar([True], [True, False])
