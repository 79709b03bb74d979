"""Word lookup: each word gets the tag that it has most often in training.

A word that was never seen gets O, or the most frequent tag of all where training has no O.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pefbench.sources.tagging import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import TokenExample


def word_tags(train: Sequence[TokenExample], test: Sequence[TokenExample]) -> list[list[str]]:
    """A tag for each word, by its spelling; of equally frequent tags the first in the alphabet."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in train:
        for token, tag in zip(example.tokens, example.tags, strict=True):
            counts[token][tag] += 1
    best = {token: min(tags, key=lambda tag: (-tags[tag], tag)) for token, tags in counts.items()}
    every = sum(counts.values(), Counter[str]())
    unknown = OUTSIDE if OUTSIDE in every else min(every, key=lambda tag: (-every[tag], tag))
    return [[best.get(token, unknown) for token in example.tokens] for example in test]


BASELINE = word_tags
