"""Periods have numbers, and numbers have their start times."""

from __future__ import annotations

import pytest

from pefbench.apps.monitor import periods

NOON = 1793620800
"""Monday, 2026-11-02, 12:00 in UTC."""


@pytest.mark.parametrize(
    ("length", "begins"), [("hour", "2026-11-02T12:00Z"), ("day", "2026-11-02"), ("week", "2026-11-02")]
)
def test_a_time_lies_in_its_period(length: periods.Length, begins: str) -> None:
    number = periods.number(NOON, length)
    assert periods.said(number, length) == begins
    first = periods.start(number, length)
    assert periods.number(first, length) == number == periods.number(first + periods.SECONDS[length] - 1, length)
    assert periods.number(first - 1, length) == number - 1
