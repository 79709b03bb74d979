"""A metric's signature: what its value depends on, then how its interval was made."""

from __future__ import annotations

INTERVAL = "ci:"
"""Begins the part on the interval, which is the last."""


def of_value(signature: str) -> str:
    """What the value depends on. Values with the same may be compared, whichever way their intervals were made."""
    return signature.partition(f"|{INTERVAL}")[0]
