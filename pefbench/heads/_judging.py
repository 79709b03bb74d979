"""Judges of generated texts: they tell what neither the model nor a right text can, a classifier trained apart say.

A metric sees answers and facts, one of each an example, so that scores can be computed again from a trial's file of
predictions alone. A judge's verdicts are therefore a part of the answers: they are written with them, reproduced by
the round trip, and given to the answers of baselines as well. The task makes the judge, as it has the texts to train
it from; the head passes texts on to it; the metric reads its verdicts. None of the three knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.heads.examples import GenerationExample


class Judge(Protocol):
    """One judge. The same texts always get the same verdicts, on every process."""

    @property
    def signature(self) -> str:
        """Who judges, as in the signature of a metric: every score that reads a verdict depends on it."""

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> Sequence[Mapping[str, object]]:
        """The verdict on each text of a split, JSON-able, by name; texts are those of the examples, in order.

        It sees the whole split at once: a verdict may depend on all of its texts.
        """

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether an example with these facts came out right, by the verdict on its text."""


Right = Callable[[str, Sequence[str]], bool]
"""Whether a text is as good as one of the right texts, where no model is needed to tell: by its final number, say."""


def judged(judge: Judge, answers: Sequence[Any], examples: Sequence[GenerationExample]) -> list[dict[str, object]]:
    """Answers, texts alone or with what the model says of them, with the judge's verdicts beside."""
    with_text = [{"text": answer} if isinstance(answer, str) else answer for answer in answers]
    verdicts = judge.verdicts([each["text"] for each in with_text], examples)
    return [{**answer, **verdict} for answer, verdict in zip(with_text, verdicts, strict=True)]
