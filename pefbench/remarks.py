"""Remarks on a trial besides its numbers: notes on what was done, and warnings about anything odd.

A note is a plain text. A warning, which readers of the numbers should look into, is an `Odd` one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Odd(str):
    """A text that is a warning."""

    __slots__ = ()


class Remarks(NamedTuple):
    """Notes and warnings, each in their original order."""

    notes: list[str]
    warnings: list[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Remarks:
        """Separate texts into notes and warnings."""
        told = list(texts)
        return cls(
            [text for text in told if not isinstance(text, Odd)], [str(text) for text in told if isinstance(text, Odd)]
        )


def lines(notes: Iterable[str], warnings: Iterable[str]) -> list[str]:
    """Notes, then warnings, as lines to print."""
    return [*(f"note: {text}" for text in notes), *(f"warning: {text}" for text in warnings)]
