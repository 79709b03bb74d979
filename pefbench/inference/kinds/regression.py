"""A number for a text or a pair: ``{"score", "truncated"}``.

A text beyond the maximum length is cut as in the trial, only its beginning is read, and the answer has `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import RegressionExample
from pefbench.inference.kind import Answer, Query, TextKind, cut, single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.regression import RegressionHead


class RegressionKind(TextKind):
    """Scores."""

    def example(self, text: str, pair: str | None) -> RegressionExample:
        """An example without a score."""
        return RegressionExample(text, 0.0, pair)

    def answer(
        self,
        query: Query,  # noqa: ARG002 - the scores suffice
        head: RegressionHead,  # noqa: ARG002
        found: Sequence[tuple[Any, Any]],
        *,
        truncated: bool,
    ) -> Answer:
        """The score."""
        return {"score": single(found)[0], "truncated": truncated}

    def prediction(self, answer: Answer, query: Query, head: RegressionHead) -> Any:  # noqa: ARG002 - the answer suffices
        """The score."""
        return answer["score"]

    def line(self, answer: Answer) -> str:
        """The score."""
        return f"{answer['score']:.4g}{cut(answer)}"


KIND = RegressionKind()
