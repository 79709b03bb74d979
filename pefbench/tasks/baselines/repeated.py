"""Repetition: the training texts of the wanted class, in turn, as if they had been generated."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample


def repeated(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:
    """A training text for each example with the same fact `asked`.

    Nothing is added but weight: a classifier that learns from them too sees each text more often, which is to penalise
    its size less. What a generator gains beyond that is due to what it writes.
    """
    labels = {example.facts["asked"] for example in train}
    texts = {label: cycle([each.target for each in train if each.facts["asked"] == label]) for label in labels}
    return [next(texts[example.facts["asked"]]) for example in test]


BASELINE = repeated
