"""A metric's signature: what its value depends on, followed by how its interval was computed."""

from __future__ import annotations

INTERVAL = "ci:"
"""Starts the last part, which is about the interval."""


def of_value(signature: str) -> str:
    """The part about the value. Values with equal parts may be compared, however their intervals were computed."""
    return signature.partition(f"|{INTERVAL}")[0]
