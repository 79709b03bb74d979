"""Answers that are one label for a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads import Answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import LabelWithOutside

    LabelAnswer = str | LabelWithOutside

ROUNDING = 1e-3
"""How far two ways to the same probability may differ."""


class LabelAnswers(Answers):
    """Labels, alone or with the probability of one of them beside (`SequenceHead`'s `outside`)."""

    def references(self, examples: Sequence[Any]) -> list[str]:
        """Each text's label."""
        return [example.label for example in examples]

    def correct(self, prediction: LabelAnswer, reference: str) -> bool:
        """Whether the label is the right one."""
        return _label(prediction) == reference

    def same(self, before: LabelAnswer, after: LabelAnswer) -> bool:
        """Whether labels agree, and probabilities but for rounding, as between two ways to the same numbers."""
        if isinstance(before, str) or isinstance(after, str):
            return before == after
        return _label(before) == _label(after) and abs(before["outside"] - after["outside"]) < ROUNDING


def _label(answer: LabelAnswer) -> str:
    return answer if isinstance(answer, str) else str(answer["label"])
