"""Periods: hours, days or weeks in UTC, numbered from 1970."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

Length = Literal["hour", "day", "week"]
SECONDS: dict[Length, int] = {"hour": 3600, "day": 86400, "week": 7 * 86400}
MONDAY = 4 * 86400
"""Seconds from the beginning of 1970, a Thursday, to the Monday from which weeks are counted."""


def number(seconds: int, length: Length) -> int:
    """The period that contains a time."""
    return (seconds - _first(length)) // SECONDS[length]


def start(period: int, length: Length) -> int:
    """The time at which a period begins, in seconds since 1970."""
    return _first(length) + period * SECONDS[length]


def said(period: int, length: Length) -> str:
    """The beginning of a period in ISO 8601; for days and weeks, only the date."""
    begins = datetime.fromtimestamp(start(period, length), UTC)
    return begins.strftime("%Y-%m-%dT%H:00Z" if length == "hour" else "%Y-%m-%d")


def _first(length: Length) -> int:
    return MONDAY if length == "week" else 0
