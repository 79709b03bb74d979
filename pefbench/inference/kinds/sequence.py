"""One label for a text or a pair: ``{"label", "score", "probabilities", "truncated"}``.

A text beyond the maximum length is cut as in the trial, only its beginning is read, and the answer has `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import SequenceExample
from pefbench.inference.kind import Answer, Kind, Query, TextKind, cut, single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.sequence import SequenceHead


class Labelled(Kind):
    """A kind whose answer is one label."""

    def answer(self, query: Query, head: SequenceHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The most likely label with its probability, and the probability of each label."""
        answer, chances = single(found)
        label = answer if isinstance(answer, str) else answer["label"]
        probabilities = dict(zip(head.labels, chances, strict=True))
        return {"label": label, "score": probabilities[label], "probabilities": probabilities, "truncated": truncated}

    def prediction(self, answer: Answer, query: Query, head: SequenceHead) -> Any:  # noqa: ARG002 - the answer suffices
        """The label; with `outside`, also the probability of that label."""
        outside = getattr(head, "outside", None)
        if outside is None:
            return answer["label"]
        return {"label": answer["label"], "outside": answer["probabilities"][outside]}

    def line(self, answer: Answer) -> str:
        """The label and its probability."""
        return f"{answer['label']}  {answer['score']:.3f}{cut(answer)}"


class SequenceKind(Labelled, TextKind):
    """Classification."""

    def example(self, text: str, pair: str | None) -> SequenceExample:
        """An example without a label."""
        return SequenceExample(text, "", pair)


KIND = SequenceKind()
