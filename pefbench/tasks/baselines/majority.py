"""Majority class: the label that most training texts have, for every text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import SequenceExample


def majority(train: Sequence[SequenceExample], test: Sequence[SequenceExample]) -> list[str]:
    """The most frequent label; of equally frequent ones the first in the alphabet."""
    counts = Counter(example.label for example in train)
    best = min(counts, key=lambda label: (-counts[label], label))
    return [best] * len(test)


BASELINE = majority
