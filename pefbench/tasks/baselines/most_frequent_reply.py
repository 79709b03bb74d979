"""Most frequent reply: the answer that most training prompts have, for every prompt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample


def most_frequent_reply(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:
    """The most frequent answer; of equally frequent ones the first in the alphabet."""
    counts = Counter(example.target for example in train)
    best = min(counts, key=lambda reply: (-counts[reply], reply))
    return [best] * len(test)


BASELINE = most_frequent_reply
