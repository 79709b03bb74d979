"""Near duplicates between splits: texts that share at least four fifths of their distinct words.

The measure is the Jaccard index of the texts' sets of words, after `normalise`. The search is exact but does not
compare every pair: two sets this similar share some of their rarest words. Chaudhuri, Ganti and Kaushik, "A Primitive
Operator for Similarity Joins in Data Cleaning" (2006); Bayardo, Ma and Srikant, "Scaling up All Pairs Similarity
Search" (2007). Hashing, as in MinHash, would miss some pairs.
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
    """A text's words, as integers."""

SHARED = 0.8
"""The least Jaccard index of near duplicates."""
COMMON = 4
"""How many of their rarest words two texts must share before they are compared in full."""
_ROUNDING = 1e-9
# Han, Kana, Thai, Lao, Tibetan, Burmese and Khmer put no spaces between words: each letter counts as one.
_SPACELESS = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]")


def near_duplicates(splits: Mapping[str, Sequence[Row]], key: Callable[[Row], str]) -> dict[tuple[str, str], set[int]]:
    """Find the rows of one split that nearly duplicate rows of another: (split, other) -> indices in the split.

    Both directions are returned, for train with validation and test, and for validation with test.
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
    """Drop near duplicates: of validation and test from `train`, and of test from `validation`.

    Returns the splits and how many rows each lost; test loses none.
    """
    near = near_duplicates(splits, key)
    lost = {name: set[int]().union(*(near[name, later] for later in LATER.get(name, ()))) for name in splits}
    kept = {name: [row for place, row in enumerate(rows) if place not in lost[name]] for name, rows in splits.items()}
    return kept, {name: len(places) for name, places in lost.items()}


def count_near_duplicates(splits: Mapping[str, Sequence[Row]], key: Callable[[Row], str]) -> dict[str, int]:
    """How many rows of validation and of test nearly duplicate a row of train."""
    near = near_duplicates(splits, key)
    return {name: len(near[name, "train"]) for name in LATER["train"]}


def _words(text: str) -> frozenset[str]:
    return frozenset(_SPACELESS.sub(r" \g<0> ", normalise(text)).split())


def _pairs(first: Sequence[Words], second: Sequence[Words]) -> list[tuple[int, int]]:
    """The indices of near duplicates. All texts' words are sorted by the same order, rarest first.

    At least m = ceil(0.8 |x|) of |x| words are shared, so at least k of the rarest |x| - m + k are, if m >= k.
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
