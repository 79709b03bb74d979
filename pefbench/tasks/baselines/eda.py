"""Easy data augmentation: training texts with words swapped or left out.

Wei and Zou 2019, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks",
arXiv:1901.11196, section 2, with its rate of 0.1. Its other two operations, which replace and insert synonyms, need
WordNet and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.tasks.baselines.repeated import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample

RATE = 0.1
"""The part of a text's words that are swapped, or left out."""


def eda(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:
    """A changed training text for each example with the same fact `asked`.

    Either operation with probability 1/2; the draws of an example depend on its number alone.
    """
    return [_changed(text.split(), np.random.default_rng(number)) for number, text in enumerate(repeated(train, test))]


def _changed(words: list[str], draw: np.random.Generator) -> str:
    return " ".join(_swapped(words, draw) if draw.random() < 0.5 else _thinned(words, draw))


def _swapped(words: Sequence[str], draw: np.random.Generator) -> list[str]:
    """The words after as many swaps of two places as a tenth of them, at least one."""
    found = [*words]
    for _ in range(max(1, round(RATE * len(words)))):
        one, other = draw.integers(len(words), size=2)
        found[one], found[other] = found[other], found[one]
    return found


def _thinned(words: Sequence[str], draw: np.random.Generator) -> list[str]:
    """The words that are left when each goes with a probability of a tenth; one stays."""
    kept = [word for word, number in zip(words, draw.random(len(words)), strict=True) if number >= RATE]
    return kept or [words[int(draw.integers(len(words)))]]


BASELINE = eda
