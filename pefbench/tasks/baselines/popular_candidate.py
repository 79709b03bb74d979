"""Most popular: the candidate that is right most often in training, whatever the context.

Where all examples have the same candidates, as yes, no and maybe, this is the majority answer.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import Choice
    from pefbench.heads.examples import ChoiceExample


def popular_candidate(train: Sequence[ChoiceExample], test: Sequence[ChoiceExample]) -> list[Choice]:
    """The most popular candidate of each example, the first of equals.

    Scores are how often each candidate is the right one in training.
    """
    counts = Counter(example.candidates[example.label] for example in train)
    scores = [[float(counts[candidate]) for candidate in example.candidates] for example in test]
    return [{"choice": each.index(max(each)), "scores": each} for each in scores]


BASELINE = popular_candidate
