"""Windows of whole words over a text that is longer than a row, and how to join their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OVERLAP = 1 / 3
"""The share of a window that the next one repeats."""


def word_windows(lengths: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Windows [first word, end) of at most `room` tokens that cover all words and overlap by a third.

    lengths: the number of tokens of each word. A word that is longer than the room gets its own window.
    """
    windows: list[tuple[int, int]] = []
    first = end = 0
    while end < len(lengths):
        first = _first(lengths, windows[-1], room) if windows else 0
        end, held = first + 1, lengths[first]
        while end < len(lengths) and held + lengths[end] <= room:
            held += lengths[end]
            end += 1
        windows.append((first, end))
    return windows


def _first(lengths: Sequence[int], before: tuple[int, int], room: int) -> int:
    """The first word of the next window: it repeats words of the previous one, as long as the next new word fits."""
    first, end = before
    again = 0
    while end - 1 > first and again + lengths[end - 1] <= min(room * OVERLAP, room - lengths[before[1]]):
        end -= 1
        again += lengths[end]
    return end


def cut_between(first: Sequence[str], second: Sequence[str]) -> int:
    """Where to switch from one window's tags to the next one's, both for the words that the two share.

    It is the place nearest to the middle that is not inside an entity in either: words there are far from both windows'
    edges.
    """
    middle = len(first) / 2
    places = sorted(range(len(first) + 1), key=lambda at: abs(at - middle))
    inside = [one.startswith("I-") or other.startswith("I-") for one, other in zip(first, second, strict=True)]
    return next((at for at in places if at < len(first) and not inside[at]), places[0])
