"""Splits that depend only on the texts: by hash, equal texts in the same split, no test texts in training."""

from __future__ import annotations

import hashlib
import itertools
import math
import unicodedata
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.sources.rows import Row

LATER = {"train": ("validation", "test"), "validation": ("test",)}


class _Separators(dict[int, str]):
    """Character code -> itself, or a space for punctuation and symbols; filled on demand."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character)[0] in "PS" else character
        return self[code]


class _Visible(dict[int, str]):
    """Character code -> itself, or nothing for format characters (zero-width spaces, joiners, direction marks)."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = "" if unicodedata.category(character) == "Cf" else character
        return self[code]


_SEPARATORS, _VISIBLE = _Separators(), _Visible()


def normalise(text: str) -> str:
    """The form in which two texts are compared.

    Unicode NFKC, case folding, no format characters, a space for each punctuation mark or symbol, and runs of white
    space as one space: ``It's  FINE!``, ``it 's fine`` and ``it s fine`` are equal. A text without letters and digits
    keeps its symbols, so that ``:)`` and an emoji differ. Letters and marks of all scripts are kept.
    """
    folded = unicodedata.normalize("NFKC", text.translate(_VISIBLE)).casefold()
    folded = unicodedata.normalize("NFKC", folded)
    words = " ".join(folded.translate(_SEPARATORS).split())
    if any(character.isalnum() for character in words):
        return words
    return " ".join(folded.split())


def split_by_hash(
    rows: Sequence[Row], key: Callable[[Row], str], fractions: Mapping[str, float], *, fill: bool = False
) -> dict[str, list[Row]]:
    """Split rows by the sha256 of their normalised key; each split keeps the order of `rows`.

    The hash, as a number in [0, 1), falls into one of the half-open ranges given by `fractions` in order, such as train
    [0, 0.8), validation [0.8, 0.9), test [0.9, 1). Equal texts are therefore in the same split, whatever the order of
    rows and the other rows. fill: each split has a key if there are enough; one without gets the nearest of another.
    Raises ValueError if fractions are negative or do not add up to 1.
    """
    if min(fractions.values()) < 0 or not math.isclose(sum(fractions.values()), 1):
        raise ValueError(f"fractions must be at least 0 and add up to 1: {dict(fractions)}")
    names = list(fractions)
    bounds = list(itertools.accumulate(fractions.values()))[:-1]
    splits: dict[str, list[Row]] = {name: [] for name in names}
    positions = [_position(key(row)) for row in rows]
    if fill:
        bounds = _filling(bounds, sorted({*positions}))
    for row, position in zip(rows, positions, strict=True):
        splits[names[bisect_right(bounds, position)]].append(row)
    return splits


def _filling(bounds: Sequence[float], positions: Sequence[float]) -> list[float]:
    """The bounds of the splits, with those moved that leave a split without a position; positions: sorted, distinct.

    Unchanged if there are fewer positions than splits.
    """
    if len(positions) <= len(bounds):
        return list(bounds)
    below = [bisect_left(positions, bound) for bound in bounds]
    counts = list(below)
    for at in reversed(range(len(counts))):  # a split with none gets the highest of the one before
        counts[at] = min(counts[at], (counts[at + 1] if at + 1 < len(counts) else len(positions)) - 1)
    for at in range(len(counts)):  # or, if that would have none, the lowest of the one after
        counts[at] = max(counts[at], (counts[at - 1] if at else 0) + 1)
    return [
        bound if count == old else positions[count] for bound, count, old in zip(bounds, counts, below, strict=True)
    ]


def _position(text: str) -> float:
    """A number in [0, 1) from the first 53 bits of the hash, as many as a float represents exactly."""
    digest = hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def drop_leaks(
    splits: Mapping[str, list[Row]], key: Callable[[Row], str]
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """Drop rows of `train` that are also in validation or test, and rows of `validation` that are also in test.

    Texts are compared by their normalised key; rows with an empty key stay. Returns the splits and how many rows each
    lost; test loses none.
    """
    keys = {name: [normalise(key(row)) for row in rows] for name, rows in splits.items()}
    kept, dropped = {}, {}
    for name, rows in splits.items():
        later = {text for other in LATER.get(name, ()) for text in keys.get(other, ()) if text}
        kept[name] = [row for row, text in zip(rows, keys[name], strict=True) if text not in later]
        dropped[name] = len(rows) - len(kept[name])
    return kept, dropped


def drop_repeats(
    splits: Mapping[str, list[Row]], key: Callable[[Row], str]
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """Keep only the first row of each text in every split, by normalised key; also return how many rows each lost.

    Rows with an empty key stay.
    """
    kept, dropped = {}, {}
    for name, rows in splits.items():
        first: dict[str | int, Row] = {}
        for at, row in enumerate(rows):
            first.setdefault(normalise(key(row)) or at, row)
        kept[name] = list(first.values())
        dropped[name] = len(rows) - len(first)
    return kept, dropped
