"""A number for a text or a pair: ``{"score", "truncated"}``.

A text beyond the maximum length is read as the trial reads it, from its beginning, and the answer says `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import RegressionExample
from pefbench.serving.kind import Answer, Asked, Kind, cut, single, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.regression import RegressionHead


class RegressionKind(Kind):
    """Scores."""

    def ask(
        self,
        values: Mapping[str, Any],
        head: RegressionHead,  # noqa: ARG002 - the texts say all
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Asked:
        """A text, or a text and its pair."""
        pair = text(values, "pair") if "pair" in values else None
        return Asked([RegressionExample(text(values, "text"), 0.0, pair)])

    def say(self, asked: Asked, head: RegressionHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The score."""
        return {"score": single(found)[0], "truncated": truncated}

    def line(self, answer: Answer) -> str:
        """The score."""
        return f"{answer['score']:.4g}{cut(answer)}"


KIND = RegressionKind()
