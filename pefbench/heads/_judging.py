"""Judges of generated texts, for example trained classifiers: they rate what a comparison with references cannot.

A metric sees only answers and facts, one of each per example, so that scores can be computed again from a trial's
predictions alone. A judge's verdicts are therefore part of the answers: they are saved with them, reproduced by the
round trip, and also added to baselines' answers. The task makes the judge because it has the texts to train it on; the
head passes texts to it; the metric reads its verdicts. None of the three depends on another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.heads.examples import GenerationExample


class Judge(Protocol):
    """A judge. Equal texts always get equal verdicts, on every process."""

    @property
    def signature(self) -> str:
        """The judge's identity, in the signature of every metric that reads its verdicts."""

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> Sequence[Mapping[str, object]]:
        """The verdict on each text of a split, as JSON-able values by name; texts belong to the examples, in order.

        A judge sees the whole split at once, so a verdict may depend on all its texts.
        """

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether an example with these facts is correct, according to the verdict on its text."""


Right = Callable[[str, Sequence[str]], bool]
"""Whether a text is as good as one of the right texts, if this needs no model; for example by its final number."""


def judged(judge: Judge, answers: Sequence[Any], examples: Sequence[GenerationExample]) -> list[dict[str, object]]:
    """Answers (texts, or texts with what the model adds) with the judge's verdicts added."""
    with_text = [{"text": answer} if isinstance(answer, str) else answer for answer in answers]
    verdicts = judge.verdicts([each["text"] for each in with_text], examples)
    return [{**answer, **verdict} for answer, verdict in zip(with_text, verdicts, strict=True)]
