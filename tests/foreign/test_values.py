"""Intervals of imported scores."""

from __future__ import annotations

import math
import statistics

import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from pefbench.errors import DataError
from pefbench.foreign import values


def test_right_and_wrong_answers_have_wilsons_interval() -> None:
    found = values.from_examples("acc", [1.0] * 9 + [0.0] * 155, "s", higher=True)
    low, high = proportion_confint(9, 164, method="wilson")
    assert (found["low"], found["high"]) == pytest.approx((low, high))
    assert found["signature"] == "s|ci:wilson"
    assert found["examples"] == 164


def test_other_means_have_student_t() -> None:
    scores = [0.4, 0.5, 0.5, 0.6]
    found = values.from_examples("f1", scores, "s", higher=True)
    reach = stats.t.ppf(0.975, 3) * statistics.stdev(scores) / 2
    assert found["value"] == pytest.approx(0.5)
    assert (found["low"], found["high"]) == pytest.approx(
        (0.5 - reach, 0.5 + reach), rel=3e-4
    )  # the table of t has three decimals
    assert found["signature"] == "s|ci:t"
    assert values.from_examples("f1", [0.4], "s", higher=True)["low"] is None


def test_a_fraction_that_is_of_no_whole_number_of_answers() -> None:
    assert values.proportion(636 / 1319, 1319, "s", higher=True)["examples"] == 1319
    with pytest.raises(DataError, match=r"0.482183 of 1,000 questions is not a whole number of right answers"):
        values.proportion(636 / 1319, 1000, "s", higher=True)
    assert values.rights(1.5, 2) is None


def test_the_standard_error_tells_right_and_wrong_from_graded_answers() -> None:
    error = math.sqrt(0.5 * 0.5 / 9)
    assert values.is_of_rights(0.5, error, 10)
    assert values.is_of_rights(0.5, None, 10)
    assert not values.is_of_rights(0.5, error / 2, 10)  # of graded answers the spread is less
    assert not values.is_of_rights(0.55, error, 10)
