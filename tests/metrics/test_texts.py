"""Metrics of generated texts: what they read in answers and references, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from pefbench.metrics import score
from pefbench.metrics._texts import TextMetric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Same(TextMetric):
    """How many texts are right to the letter."""

    headline = "same"
    higher_is_better: ClassVar = {"same": True}
    library = "numpy"
    settings = "match:exact"

    def _compute(self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
        return {"same": float(np.mean(self._right(predictions, references)))}

    def weighted(self, predictions: Sequence[Any], references: Sequence[Any]) -> Callable[..., dict[str, Any]]:
        right = self._right(predictions, references)
        return lambda weights: {"same": weights @ right / weights.sum(-1)}

    def _right(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray[Any, Any]:
        return np.array([text in right for text, right in zip(predictions, references, strict=True)], dtype=np.float64)


def test_a_text_is_scored_with_all_right_ones_and_the_search_is_in_the_signature() -> None:
    references = [{"texts": ["a", "b"], "attribute": "x"}, {"texts": ["c"]}]
    found = score(Same(), ["b", {"text": "d", "nll": 1.0}], references, decoding_signature="search:greedy|new:8")[
        "same"
    ]
    assert found["value"] == 0.5
    assert "|match:exact|search:greedy|new:8|ci:wilson-effective-95" in found["signature"]


@pytest.mark.parametrize(
    ("references", "why"),
    [
        (["a"], "it scores generated texts, and the task's answers are not"),
        ([{"texts": ["a"]}, {"test": "b"}], "it needs 'texts' of every example, and example 1 has none"),
        ([{"texts": ["a"]}], None),
    ],
)
def test_what_it_cannot_score_is_refused(references: list[Any], why: str | None) -> None:
    assert Same().refusal(references) == why
