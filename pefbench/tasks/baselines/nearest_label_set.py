"""Nearest neighbour: the labels of the training text that is most alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.tasks.baselines._words import nearest, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import LabelSet
    from pefbench.heads.examples import LabelSetExample


def nearest_label_set(train: Sequence[LabelSetExample], test: Sequence[LabelSetExample]) -> list[LabelSet]:
    """The labels of the text with the nearest words and pairs of words by TF-IDF, the first of equals.

    A text without any known word gets those of the first.
    """
    places = nearest([text(example) for example in train], [text(example) for example in test])
    return [{"labels": list(train[place].labels)} for place in places]


BASELINE = nearest_label_set
