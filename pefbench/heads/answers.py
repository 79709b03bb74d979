"""A head's answers: the right ones, and how two answers compare. Nothing here needs the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from pefbench.heads.clusters import joined

if TYPE_CHECKING:
    from collections.abc import Sequence


class Choice(TypedDict):
    """An answer of a head that chooses between candidates."""

    choice: int
    """The number of the best candidate, from 0."""
    scores: list[float]
    """The scores of all candidates."""


class LabelWithOutside(TypedDict):
    """An answer of a head that labels texts, if one label means that none of the others applies."""

    label: str
    outside: float
    """The probability of that label."""


class LabelSet(TypedDict):
    """A text's labels, any number of them: an answer, or the right one."""

    labels: list[str]
    """Sorted; may be empty."""
    scores: NotRequired[list[float]]
    """In a model's answer: the probability of every label, in the order of the head's labels."""


class Answers(ABC):
    """The answers of one head to one kind of example, available as `head.answers`. An answer is JSON-able."""

    mismatch_tolerance: float = 0.0
    """The share of answers that rounding may change between two processes on a GPU: see `GenerationAnswers`."""

    @property
    def decoding_signature(self) -> str:
        """Settings of `Head.predict` that every score depends on, as in a metric's signature; "" if there are none."""
        return ""

    @property
    def judge_signature(self) -> str:
        """The settings of `judged`, likewise."""
        return ""

    @property
    def answer_fields(self) -> frozenset[str]:
        """Names of optional fields that these answers have and a metric may need."""
        return frozenset()

    @abstractmethod
    def references(self, examples: Sequence[Any]) -> list[Any]:
        """The right answer to each example, for `correct` and the task's metrics."""

    def clusters(self, examples: Sequence[Any]) -> list[str] | None:
        """The cluster of each example: the name of what it shares with others and depends on; None: nothing is shared.

        An example that shares nothing is its own cluster. Examples of a group share a cluster, together with those of
        all clusters that have an example in the group.
        """
        names = [getattr(example, "cluster", "") for example in examples]
        groups = [getattr(example, "group", "") for example in examples]
        names = joined(names, groups) if any(groups) else names
        shared = {name for name, times in Counter(names).items() if name and times > 1}
        return [name if name in shared else f"#{i}" for i, name in enumerate(names)] if shared else None

    def correct(self, prediction: Any, reference: Any) -> bool:
        """Whether one answer is exactly right."""
        return bool(prediction == reference)

    def same(self, before: Any, after: Any) -> bool:
        """Whether two answers to an example agree, as those before and after loading must."""
        return bool(before == after)

    def judged(self, answers: Sequence[Any], examples: Sequence[Any]) -> list[Any]:  # noqa: ARG002 - where texts are judged
        """The answers to a split, of a model or a baseline, with the judge's verdicts added if there is a judge."""
        return list(answers)

    def prompt(self, example: Any) -> str:
        """An example's input for human readers; here the text and its pair."""
        pair = getattr(example, "pair", None)
        return example.text if pair is None else f"{example.text} | {pair}"

    def shown(self, example: Any) -> str | None:  # noqa: ARG002 - for answers that are worth reading
        """An example's input as the result's samples show it, or None to show no samples."""
        return None
