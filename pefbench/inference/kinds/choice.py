"""Which of several candidates fits a context: ``{"choice", "text", "scores", "truncated"}``.

`choice` counts candidates from 0, `text` is the candidate, `scores` has those of all. `context` is what the head reads:
of a task that makes it up of several columns (a premise and its question, a user's films), the whole of it, as
`predictions.jsonl` shows it. A row that is too long is cut as in the trial, and the answer says `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, quoted
from pefbench.heads.examples import NO_CANDIDATE, ChoiceExample
from pefbench.inference.kind import Answer, Kind, Query, check_characters, cut, single, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._scoring import ScoringHead


class ChoiceKind(Kind):
    """Choices."""

    columns = ("context", "candidates")
    required = ("context", "candidates")
    usual = False

    def ask(
        self,
        values: Mapping[str, Any],
        head: ScoringHead,  # noqa: ARG002 - the texts say all
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Query:
        """A context and its candidates."""
        candidates = values["candidates"]
        if not isinstance(candidates, list | tuple) or not all(isinstance(each, str) and each for each in candidates):
            raise DataError(f"candidates should be a list of texts, is {quoted(candidates)}")
        if not candidates:
            raise DataError("candidates is empty; at least one is needed")
        for each in candidates:
            check_characters(each, "a candidate")
        return Query([ChoiceExample(text(values, "context"), tuple(candidates), NO_CANDIDATE)], list(candidates))

    def say(self, query: Query, head: ScoringHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The best candidate, and the scores of all."""
        answer, _ = single(found)
        return {**answer, "text": query.about[answer["choice"]], "truncated": truncated}

    def input_of(self, example: ChoiceExample) -> dict[str, Any]:
        """The context and its candidates."""
        return {"context": example.context, "candidates": [*example.candidates]}

    def prediction(self, answer: Answer, query: Query, head: ScoringHead) -> Any:  # noqa: ARG002 - the answer says all
        """The number of the best candidate, and the scores of all."""
        return {"choice": answer["choice"], "scores": answer["scores"]}

    def line(self, answer: Answer) -> str:
        """The candidate and its score."""
        return f"{answer['text']}  {answer['scores'][answer['choice']]:.4g}{cut(answer)}"


KIND = ChoiceKind()
