"""One label for a text with two marked spans: ``{"label", "score", "probabilities", "truncated"}``.

The spans stand in tags in the text, ``<e1>`` and ``<e2>``, or are given as `first` and `second`: [start, end],
in characters. Of a text that is too long what is nearest to the marks is read, and the answer says `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import MarkedExample
from pefbench.inference.kind import Query, text
from pefbench.inference.kinds.sequence import SequenceKind
from pefbench.sources import Row
from pefbench.tasks.relation_extraction import marked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PreTrainedTokenizerFast


class MarkedKind(SequenceKind):
    """Relations: said as other labels are."""

    columns = ("text", "first", "second")

    def ask(
        self,
        values: Mapping[str, Any],
        head: Any,  # noqa: ARG002 - the texts say all
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Query:
        """A text and its two spans."""
        given = {"text": text(values, "text"), "first": values.get("first"), "second": values.get("second")}
        return Query([MarkedExample(*marked(Row(given, "text", 1)), "")])

    def input_of(self, example: MarkedExample) -> dict[str, Any]:
        """The text and its spans, in characters."""
        return {"text": example.text, "first": [*example.first], "second": [*example.second]}


KIND = MarkedKind()
