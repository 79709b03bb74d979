"""Periods: hours, days or weeks in UTC, numbered from 1970 on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

Length = Literal["hour", "day", "week"]
SECONDS: dict[Length, int] = {"hour": 3600, "day": 86400, "week": 7 * 86400}
MONDAY = 4 * 86400
"""1970 began on a Thursday: weeks are counted from the Monday after."""


def number(seconds: int, length: Length) -> int:
    """The period in which a time lies."""
    return (seconds - _first(length)) // SECONDS[length]


def start(period: int, length: Length) -> int:
    """The time at which a period begins, in seconds since 1970."""
    return _first(length) + period * SECONDS[length]


def said(period: int, length: Length) -> str:
    """The time at which a period begins, as ISO 8601 writes it; days and weeks by their first day."""
    begins = datetime.fromtimestamp(start(period, length), UTC)
    return begins.strftime("%Y-%m-%dT%H:00Z" if length == "hour" else "%Y-%m-%d")


def _first(length: Length) -> int:
    return MONDAY if length == "week" else 0
