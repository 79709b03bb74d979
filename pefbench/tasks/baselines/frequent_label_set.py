"""Most frequent set: the labels that most training texts have together, often none or a single one, for every text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import LabelSet
    from pefbench.heads.examples import LabelSetExample


def frequent_label_set(train: Sequence[LabelSetExample], test: Sequence[LabelSetExample]) -> list[LabelSet]:
    """The most frequent set of labels; of equally frequent ones the first in the alphabet."""
    counts = Counter(example.labels for example in train)
    best = min(counts, key=lambda labels: (-counts[labels], labels))
    return [{"labels": list(best)} for _ in test]


BASELINE = frequent_label_set
