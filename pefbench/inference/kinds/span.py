"""The answer to a question in a context: ``{"text", "start", "end", "score", "truncated"}``.

`start` and `end` are character offsets in the context; if it has no answer, `text` is empty and both are null. The
score is the probability of the first token times that of the last. A context of any length is read, in the head's
windows; a question that is too long is cut, and the answer has `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import SpanExample
from pefbench.inference.kind import Answer, Json, Kind, Query, cut, single, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.span import SpanHead


class SpanKind(Kind):
    """Questions."""

    columns = ("question", "context")
    required = ("question", "context")

    def query(
        self,
        values: Mapping[str, Any],
        head: SpanHead,  # noqa: ARG002 - the texts suffice
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Query:
        """A question and its context."""
        return Query([SpanExample(text(values, "question"), text(values, "context"), ())])

    def answer(self, query: Query, head: SpanHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The span, or that there is none."""
        answer, (start, score) = single(found)
        place = {"start": start, "end": start + len(answer)} if answer else {"start": None, "end": None}
        return {"text": answer, **place, "score": score, "truncated": truncated}

    def input_of(self, example: SpanExample) -> Json:
        """The question and its context."""
        return {"question": example.question, "context": example.context}

    def prediction(self, answer: Answer, query: Query, head: SpanHead) -> Any:  # noqa: ARG002 - the answer suffices
        """The text of the span."""
        return answer["text"]

    def line(self, answer: Answer) -> str:
        """The answer, its characters and its score."""
        if not answer["text"]:
            return f"no answer  {answer['score']:.3f}{cut(answer)}"
        return f"{answer['text']}  [{answer['start']}, {answer['end']}]  {answer['score']:.3f}{cut(answer)}"


KIND = SpanKind()
