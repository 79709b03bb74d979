"""The base of metrics of generated texts: what they take of an answer and of a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pefbench.metrics._base import TAGS, TEXT, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence


class TextMetric(Metric):
    """A metric that compares a generated text with one or more right texts.

    Predictions: one text an example. References: its right texts, one or more.
    """

    prediction = TEXT
    reference = TAGS
    needs: ClassVar[str] = "texts"
    """What it takes of a reference: the right texts, or another fact of the example, by name."""

    def read(self, answer: Any) -> Any:
        """Return the generated text, of an answer that says more the text in it."""
        return answer["text"] if isinstance(answer, dict) else answer

    def read_reference(self, reference: Any) -> Any:
        """Return the fact that the metric needs."""
        return reference[self.needs]

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Return why these references cannot be scored, or None: asked before training."""
        if not isinstance(references[0], dict):
            return "it scores generated texts, and the task's answers are not"
        lacking = next((i for i, each in enumerate(references) if self.needs not in each), None)
        return None if lacking is None else f"it needs {self.needs!r} of every example, and example {lacking} has none"
