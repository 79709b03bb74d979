"""Parses a user's amounts: sizes with a unit, such as 8GiB, and durations, such as 20min."""

from __future__ import annotations

import re

from pefbench.errors import UserError

DECIMAL_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BINARY_SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
SIZES = DECIMAL_SIZES | BINARY_SIZES
DURATIONS = {"s": 1, "min": 60, "h": 3600}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")


def size(text: str, where: str) -> float:
    """A size in bytes; 1 MB is 1000 kB, 1 MiB is 1024 KiB. Raises UserError, whose message begins with `where`."""
    return _amount(text, where, SIZES, "8GiB or 50MB")


def duration(text: str, where: str) -> float:
    """A duration in seconds. Raises UserError, whose message begins with `where`."""
    return _amount(text, where, DURATIONS, "90s or 20min")


def _amount(text: str, where: str, units: dict[str, int], example: str) -> float:
    found = _AMOUNT.fullmatch(text)
    if found is None or found[2] not in units or float(found[1]) == 0:
        raise UserError(
            f"{where} {text}: should be a number above 0 with a unit, as in {example}; units: {', '.join(units)}"
        )
    return float(found[1]) * units[found[2]]
