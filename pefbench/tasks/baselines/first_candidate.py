"""Chance: every candidate has the same score, and the first is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import Choice
    from pefbench.heads.examples import ChoiceExample


def first_candidate(train: Sequence[ChoiceExample], test: Sequence[ChoiceExample]) -> list[Choice]:  # noqa: ARG001
    """The first candidate of each example, and equal scores, which ranking metrics read as any order.

    It learns nothing from `train`; where candidates are shuffled, it is right as often as chance.
    """
    return [{"choice": 0, "scores": [0.0] * len(example.candidates)} for example in test]


BASELINE = first_candidate
