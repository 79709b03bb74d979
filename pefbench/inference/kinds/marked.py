"""One label for a text with two marked spans: ``{"label", "score", "probabilities", "truncated"}``.

Of a text that is too long what is nearest to the marks is read, and the answer says `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.inference.kinds.sequence import Labelled

if TYPE_CHECKING:
    from pefbench.heads.examples import MarkedExample
    from pefbench.inference.kind import Json


class MarkedKind(Labelled):
    """Relations: answered as other labels are."""

    def input_of(self, example: MarkedExample) -> Json:
        """The text and its spans, in characters."""
        return {"text": example.text, "first": [*example.first], "second": [*example.second]}


KIND = MarkedKind()
