"""One label for a text with two marked spans: ``{"label", "score", "probabilities", "truncated"}``.

If a text is too long, only the part nearest to the marks is read, and the answer has `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.inference.kinds.sequence import Labelled

if TYPE_CHECKING:
    from pefbench.heads.examples import MarkedExample
    from pefbench.inference.kind import Json


class MarkedKind(Labelled):
    """Relations; answers are like those of other labels."""

    def input_of(self, example: MarkedExample) -> Json:
        """The text and its spans, in characters."""
        return {"text": example.text, "first": [*example.first], "second": [*example.second]}


KIND = MarkedKind()
