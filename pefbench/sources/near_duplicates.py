"""Texts of two splits that are nearly the same: four fifths of their different words, or more, are shared.

The measure is the Jaccard index of two texts' sets of words, after `normalise`. All such pairs are found, and no
others, without looking at every pair: two sets that share so much share some of the few rarest words of each.
Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning" (2006); Bayardo, Ma and
Srikant, "Scaling up All Pairs Similarity Search" (2007). Hashes, as in MinHash, would miss some.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING

from pefbench.sources.splitting import LATER, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.sources.rows import Row

    Words = tuple[int, ...]
    """Numbers of words."""

SHARED = 0.8
"""The least Jaccard index of near duplicates."""
COMMON = 4
"""How many of the rarest words of two texts must be shared before all are looked at."""
_ROUNDING = 1e-9
# Han, Kana, Thai, Lao, Tibetan, Burmese and Khmer put no spaces between words: each letter counts as one.
_SPACELESS = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]")


def near_duplicates(splits: Mapping[str, Sequence[Row]], key: Callable[[Row], str]) -> dict[tuple[str, str], set[int]]:
    """Which rows of a split are nearly those of another, in either direction: (split, other) -> places in the split.

    The pairs of splits are those of leaks: train with validation and test, validation with test.
    """
    texts = {name: [_words(key(row)) for row in rows] for name, rows in splits.items()}
    times = Counter(chain.from_iterable(words for each in texts.values() for words in each))
    rank = {word: place for place, word in enumerate(sorted(times, key=lambda word: (times[word], word)))}
    rarest = {name: [tuple(sorted(rank[word] for word in words)) for words in each] for name, each in texts.items()}
    found: dict[tuple[str, str], set[int]] = {}
    for earlier, others in LATER.items():
        for later in others:
            pairs = _pairs(rarest.get(earlier, []), rarest.get(later, []))
            found[earlier, later] = {first for first, _ in pairs}
            found[later, earlier] = {second for _, second in pairs}
    return found


def drop_near_duplicates(
    splits: Mapping[str, list[Row]], key: Callable[[Row], str]
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """Drop from `train` what is nearly in validation or test, and from `validation` what is nearly in test.

    Returns the splits and how many rows each lost; test loses none.
    """
    near = near_duplicates(splits, key)
    lost = {name: set[int]().union(*(near[name, later] for later in LATER.get(name, ()))) for name in splits}
    kept = {name: [row for place, row in enumerate(rows) if place not in lost[name]] for name, rows in splits.items()}
    return kept, {name: len(places) for name, places in lost.items()}


def count_near_duplicates(splits: Mapping[str, Sequence[Row]], key: Callable[[Row], str]) -> dict[str, int]:
    """How many rows of validation and of test are nearly one of train."""
    near = near_duplicates(splits, key)
    return {name: len(near[name, "train"]) for name in LATER["train"]}


def _words(text: str) -> frozenset[str]:
    return frozenset(_SPACELESS.sub(r" \g<0> ", normalise(text)).split())


def _pairs(first: Sequence[Words], second: Sequence[Words]) -> list[tuple[int, int]]:
    """The places of near duplicates. Words are sorted, the rarest first, by one order in all texts.

    Of |x| words at least m = ceil(0.8 |x|) are shared, so of the rarest |x| - m + k at least k are, if m >= k.
    """
    holders: dict[int, list[int]] = defaultdict(list)
    for place, words in enumerate(second):
        for word in _prefix(words):
            holders[word].append(place)
    sets = [frozenset(words) for words in second]
    pairs = []
    for place, words in enumerate(first):
        common = Counter(chain.from_iterable(holders[word] for word in _prefix(words) if word in holders))
        own, least = frozenset(words), min(COMMON, _least(words))
        pairs += [(place, other) for other, times in common.items() if times >= least and _near(own, sets[other])]
    return pairs


def _prefix(words: Words) -> Words:
    return words[: len(words) - _least(words) + COMMON]


def _least(words: Words) -> int:
    return ceil(SHARED * len(words) - _ROUNDING)


def _near(one: frozenset[int], other: frozenset[int]) -> bool:
    if min(len(one), len(other)) < SHARED * max(len(one), len(other)) - _ROUNDING:
        return False
    return len(one & other) >= SHARED * len(one | other) - _ROUNDING
