"""Answers that are one label per text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads import Answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import LabelWithOutside

    LabelAnswer = str | LabelWithOutside

ROUNDING = 1e-3
"""The tolerance between two ways of computing the same probability."""


class LabelAnswers(Answers):
    """Labels, alone or with the probability of a particular label (`SequenceHead`'s `outside`)."""

    def references(self, examples: Sequence[Any]) -> list[str]:
        """Each text's label."""
        return [example.label for example in examples]

    def correct(self, prediction: LabelAnswer, reference: str) -> bool:
        """Whether the label is the right one."""
        return _label(prediction) == reference

    def same(self, before: LabelAnswer, after: LabelAnswer) -> bool:
        """Whether labels are equal, and probabilities equal up to rounding, as between two ways of computing them."""
        if isinstance(before, str) or isinstance(after, str):
            return before == after
        return _label(before) == _label(after) and abs(before["outside"] - after["outside"]) < ROUNDING


def _label(answer: LabelAnswer) -> str:
    return answer if isinstance(answer, str) else str(answer["label"])
