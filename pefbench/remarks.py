"""What is told of a trial beside its numbers: notes of what was done, and warnings of what is odd.

Whoever finds something tells it as a text, a note; what a reader of the numbers should look into is `Odd`, a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Odd(str):
    """A text that is a warning."""

    __slots__ = ()


class Remarks(NamedTuple):
    """Notes and warnings, each in the order in which they were told."""

    notes: list[str]
    warnings: list[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Remarks:
        """Texts, those that are odd apart."""
        told = list(texts)
        return cls(
            [text for text in told if not isinstance(text, Odd)], [str(text) for text in told if isinstance(text, Odd)]
        )


def lines(notes: Iterable[str], warnings: Iterable[str]) -> list[str]:
    """Notes, then warnings, as lines for people."""
    return [*(f"note: {text}" for text in notes), *(f"warning: {text}" for text in warnings)]
