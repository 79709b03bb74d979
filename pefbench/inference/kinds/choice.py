"""Choosing between candidates for a context: ``{"choice", "text", "scores", "truncated"}``.

`choice` is the best candidate's index, from 0 in the order given, `text` is that candidate, `scores` has the scores of
all. If all questions have the same candidates, an input has none. A row that is too long is cut as in the trial, and
the answer has `truncated`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.inference.kind import Answer, Json, Kind, Query, cut, single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads._scoring import ScoringHead
    from pefbench.heads.examples import ChoiceExample


class ChoiceKind(Kind):
    """Choices."""

    def query_of(self, example: ChoiceExample, head: ScoringHead) -> Query:
        """A context with its candidates, or the head's if all questions have the same."""
        return Query([example if example.candidates else replace(example, candidates=head.candidates)])

    def answer(self, query: Query, head: ScoringHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The best candidate, and the scores of all."""
        [example], (answer, _) = query.examples, single(found)
        return {**answer, "text": example.candidates[answer["choice"]], "truncated": truncated}

    def input_of(self, example: ChoiceExample) -> Json:
        """The context and its candidates."""
        return {"context": example.context, "candidates": [*example.candidates]}

    def prediction(self, answer: Answer, query: Query, head: ScoringHead) -> Any:  # noqa: ARG002 - the answer suffices
        """The index of the best candidate, and the scores of all."""
        return {"choice": answer["choice"], "scores": answer["scores"]}

    def line(self, answer: Answer) -> str:
        """The candidate and its score."""
        return f"{answer['text']}  {answer['scores'][answer['choice']]:.4g}{cut(answer)}"


KIND = ChoiceKind()
