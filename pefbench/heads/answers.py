"""A head's answers: the right ones, and how two of them compare. Nothing here needs the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence


class Choice(TypedDict):
    """An answer of a head that chooses."""

    choice: int
    """The number of the best candidate, from 0."""
    scores: list[float]
    """The scores of all candidates."""


class LabelWithOutside(TypedDict):
    """An answer of a head that labels texts, where one label is that of texts with none of the others."""

    label: str
    outside: float
    """The probability of that label."""


class LabelSet(TypedDict):
    """Any number of labels for a text: an answer, or the right one."""

    labels: list[str]
    """Sorted; none is an answer, too."""
    scores: NotRequired[list[float]]
    """In an answer of a model: the probability of each label that there is, in the order of the head's labels."""


class Answers(ABC):
    """The answers of one head to one kind of example, reached as `head.answers`. An answer is JSON-able."""

    mismatch_tolerance: float = 0.0
    """Share of answers that may differ between two processes on a GPU, by rounding alone: see `GenerationAnswers`."""

    @property
    def decoding_signature(self) -> str:
        """Settings of `Head.predict` that every score depends on, as in a metric's signature; "" where it has none."""
        return ""

    @property
    def judge_signature(self) -> str:
        """The settings of `judged`, likewise."""
        return ""

    @property
    def answer_fields(self) -> frozenset[str]:
        """Optional fields that these answers have and a metric may need, by name."""
        return frozenset()

    @abstractmethod
    def references(self, examples: Sequence[Any]) -> list[Any]:
        """The right answer to each example: what `correct` and the task's metrics compare with."""

    def clusters(self, examples: Sequence[Any]) -> list[str] | None:
        """For each example what it has in common with others and depends on, as a name; None: nothing, in no example.

        One that stands for itself is a cluster of its own.
        """
        names = [getattr(example, "cluster", "") for example in examples]
        shared = {name for name, times in Counter(names).items() if name and times > 1}
        return [name if name in shared else f"#{i}" for i, name in enumerate(names)] if shared else None

    def correct(self, prediction: Any, reference: Any) -> bool:
        """Whether one answer is exactly right."""
        return bool(prediction == reference)

    def same(self, before: Any, after: Any) -> bool:
        """Whether two answers to one example agree, as those before and after loading must."""
        return bool(before == after)

    def judged(self, answers: Sequence[Any], examples: Sequence[Any]) -> list[Any]:  # noqa: ARG002 - where texts are judged
        """A split's answers, of a model or a baseline, with a judge's verdicts added where there is a judge."""
        return list(answers)

    def prompt(self, example: Any) -> str:
        """An example's input as people read it; here a text and its pair."""
        pair = getattr(example, "pair", None)
        return example.text if pair is None else f"{example.text} | {pair}"

    def shown(self, example: Any) -> str | None:  # noqa: ARG002 - for answers that are worth reading
        """An example's input as the result shows it among its samples, or None to show no samples."""
        return None
