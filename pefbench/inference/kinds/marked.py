"""One label for a text with two marked spans: ``{"label", "score", "probabilities", "truncated"}``.

Of a text that is too long what is nearest to the marks is read, and the answer says `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.inference.kinds.sequence import Labelled

if TYPE_CHECKING:
    from pefbench.heads.examples import MarkedExample


class MarkedKind(Labelled):
    """Relations: said as other labels are."""

    def input_of(self, example: MarkedExample) -> dict[str, Any]:
        """The text and its spans, in characters."""
        return {"text": example.text, "first": [*example.first], "second": [*example.second]}


KIND = MarkedKind()
