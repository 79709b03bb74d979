"""Which of several candidates fits a context: ``{"choice", "text", "scores", "truncated"}``.

`choice` counts candidates from 0, as they were given, `text` is the candidate, `scores` has those of all. Where all
questions have the same candidates, none are given. A row that is too long is cut as in the trial, and the answer says
`truncated`.
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
        """A context and its candidates, or those of the head."""
        return Query([example if example.candidates else replace(example, candidates=head.candidates)])

    def answer(self, query: Query, head: ScoringHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The best candidate, and the scores of all."""
        [example], (answer, _) = query.examples, single(found)
        return {**answer, "text": example.candidates[answer["choice"]], "truncated": truncated}

    def input_of(self, example: ChoiceExample) -> Json:
        """The context and its candidates."""
        return {"context": example.context, "candidates": [*example.candidates]}

    def prediction(self, answer: Answer, query: Query, head: ScoringHead) -> Any:  # noqa: ARG002 - the answer says all
        """The number of the best candidate, and the scores of all."""
        return {"choice": answer["choice"], "scores": answer["scores"]}

    def line(self, answer: Answer) -> str:
        """The candidate and its score."""
        return f"{answer['text']}  {answer['scores'][answer['choice']]:.4g}{cut(answer)}"


KIND = ChoiceKind()
