"""Final-answer accuracy: the fraction of solutions whose final answer is right, by the rule of PEFT's benchmark.

The rule is that of MetaMathQA in PEFT's method_comparison: the final answer is what follows the last "The answer is" or
"####"; two numbers are compared as floats, anything else letter for letter.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pefbench.metrics._texts import MeanTextMetric

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

MARKERS = ("The answer is: ", "The answer is ", "The final answer is: ", "The final answer is ", "#### ")
"""Markers before a final answer. The first in this list that a text contains is used, wherever the others are."""
WANTED = "a final answer: 'The answer is: X', or '#### X'"


class FinalAnswerAccuracy(MeanTextMetric):
    """The fraction of texts with the reference's final answer; a text without a final answer is wrong.

    Predictions: one text per example. References: one or more texts per example, each with a final answer; ValueError
    otherwise.
    """

    headline = "final_answer_accuracy"
    higher_is_better: ClassVar = {"final_answer_accuracy": True}
    averaged = frozenset({"final_answer_accuracy"})
    library = "peft method_comparison/MetaMathQA"
    settings = "answer:last-behind-marker|numbers:float|else:exact|commas:kept"

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, or None; checked before training."""
        if why := super().refusal(references):
            return why
        lacking = next((i for i, each in enumerate(references) if None in map(final_answer, each["texts"])), None)
        return None if lacking is None else f"it needs {WANTED}, and the reference of example {lacking} has none"

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Whether each is right: (examples, 1)."""
        both = zip(predictions, references, strict=True)
        return np.asarray([[is_right(text, texts)] for text, texts in both], dtype=np.float64)

    def signature(self) -> str:
        """The benchmark and its rule."""
        return f"{type(self).__module__.rpartition('.')[2]}|rule:{self.library}|{self.settings}"


def is_right(text: str, references: Sequence[str]) -> bool:
    """Whether a text's final answer equals that of a reference. Raises ValueError for a reference without one."""
    wanted = [final_answer(each) for each in references]
    if None in wanted:
        raise ValueError(f"{references[wanted.index(None)]!r} has no {WANTED.removeprefix('a ')}")
    found = final_answer(text)
    return found is not None and any(_value(found) == _value(each) for each in wanted if each is not None)


def final_answer(text: str) -> str | None:
    """The text after the last marker, to the end of its line, without surrounding marks; None if there is no marker."""
    text = text.strip().rstrip(".!?")
    for marker in MARKERS:
        _, found, after = text.rpartition(marker)
        if found:
            return after.strip().partition("\n")[0].strip(" .!?$%")
    return None


def _value(answer: str) -> float | str:
    """An answer as a number, which may be written as a fraction; otherwise as text."""
    try:
        numerator, *denominators = (Decimal(part.strip()) for part in answer.split("/"))
        if len(denominators) <= 1:
            return float(numerator / denominators[0] if denominators else numerator)
    except (ArithmeticError, ValueError):  # not a number, a division by zero, a signalling NaN
        pass
    return answer


METRIC = FinalAnswerAccuracy
