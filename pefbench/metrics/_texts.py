"""The base classes of metrics of generated texts: how they read answers and references."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pefbench.metrics._base import TAGS, TEXT, AdditiveMetric, Metric, ratio
from pefbench.metrics._tokenizers import SPACELESS, TOLERATED, blindness

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class TextMetric(Metric):
    """A metric that compares a generated text with one or more references.

    Predictions: one text per example. References: one or more texts per example.
    """

    prediction = TEXT
    reference = TAGS
    needs: ClassVar[str] = "texts"
    """The part of a reference that it needs: the reference texts, or another fact of the example, by name."""
    remedy: ClassVar[str] = "use chrf, or {name: bleu, tokenizer: char}"
    """What to do if it cannot split the texts into words."""

    def read(self, answer: Any) -> Any:
        """The generated text, also if the answer contains more."""
        return answer["text"] if isinstance(answer, dict) else answer

    def read_reference(self, reference: Any) -> Any:
        """The fact that the metric needs."""
        return reference[self.needs]

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, or None; checked before training."""
        if not isinstance(references[0], dict):
            return "it scores generated texts, and the task's answers are not"
        lacking = next((i for i, each in enumerate(references) if self.needs not in each), None)
        if lacking is not None:
            return f"it needs {self.needs!r} of every example, and example {lacking} has none"
        return self._cannot_divide(text for each in references for text in each.get("texts", ()))

    def blind(self) -> re.Pattern[str] | None:
        """The letters that it cannot split into words, see `_tokenizers`; None: there are none."""
        return None

    def _cannot_divide(self, texts: Iterable[str]) -> str | None:
        part, example = blindness(texts, self.blind())
        if part <= TOLERATED:
            return None
        return f"it cannot divide {part:.0%} of the references' letters into words, as in {example!r}; {self.remedy}"


class WordMetric(TextMetric):
    """A metric of words as split by 13a, at spaces and marks."""

    def blind(self) -> re.Pattern[str] | None:
        """The letters of scripts without spaces."""
        return SPACELESS


class MeanTextMetric(AdditiveMetric, TextMetric):
    """A metric of texts whose values are means over the examples."""

    @abstractmethod
    def scores(self, predictions: Sequence[Any], references: Sequence[Any]) -> Array:
        """Each example's values in the order of `higher_is_better`: (examples, values)."""

    def _compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        means = self.scores(predictions, references).mean(axis=0).tolist()
        return dict(zip(self.higher_is_better, means, strict=True))

    def counts(self, predictions: Sequence[Any], references: Sequence[Any]) -> Array:
        """Each example's values, and one: (examples, values + 1)."""
        scores = self.scores(predictions, references)
        return np.concatenate([scores, np.ones((len(scores), 1))], axis=1)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The means from sums of shape (..., values + 1)."""
        return {name: ratio(sums[..., i], sums[..., -1]) for i, name in enumerate(self.higher_is_better)}
