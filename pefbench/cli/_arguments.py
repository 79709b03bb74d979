"""Kinds of numbers that arguments are."""

from __future__ import annotations

import argparse


def positive(text: str) -> float:
    """Return a number of 0 or more. Raises ArgumentTypeError for others, ValueError for what is no number."""
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 0 or more")
    return value


def count(text: str) -> int:
    """Return a whole number of 1 or more. Raises ArgumentTypeError for others, ValueError for what is no number."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 1 or more")
    return value
