"""Quadratic weighted kappa: the agreement of predicted with true whole scores, as in essay scoring.

Cohen 1968, "Weighted kappa": 1 minus the mean squared difference over the one expected by chance. If data have several
prompts with their own ranges (ASAP), it is usual to compute the kappa of each; this one is over all examples given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.metrics import cohen_kappa_score

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._numbers import NUMBER, numbers, products

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


WIDEST = 1000
"""The widest range of scores; scikit-learn makes a table of all pairs of them."""


class QuadraticKappa(AdditiveMetric):
    """Quadratic weighted kappa, from -1 to 1; 0 if undefined: all scores are the same.

    References: one whole number per example. Predictions: one finite number per example, taken as the nearest whole one
    (of two, the even one) within the range of all references. Equally many; ValueError otherwise. A resample of the
    interval keeps to that range.
    """

    headline = "quadratic_kappa"
    higher_is_better: ClassVar = {"quadratic_kappa": True}
    library = "scikit-learn"
    settings = "weights:quadratic|round:half-even|range:references"
    prediction = NUMBER
    reference = NUMBER

    def refusal(self, references: Sequence[float]) -> str | None:
        """The first score that is not whole, or a range that is no scale."""
        if wrong := super().refusal(references):
            return wrong
        if broken := next((f"{score:g}" for score in references if score % 1), None):
            return f"it needs whole-number scores, and one is {broken}"
        low, high = min(references), max(references)
        if high - low > WIDEST:
            return f"it needs scores within {WIDEST:,} of one another, and these range from {low:g} to {high:g}"
        return None

    def _compute(self, *, predictions: Sequence[float], references: Sequence[float]) -> dict[str, float]:
        predicted, gold = _scores(predictions, references)
        if not gold.any():
            return {"quadratic_kappa": 0.0}
        # The weights depend on a label's position, so scores that do not occur need one, too.
        labels = np.arange(gold.max() + 1)
        return {"quadratic_kappa": float(cohen_kappa_score(gold, predicted, labels=labels, weights="quadratic"))}

    def counts(self, predictions: Sequence[float], references: Sequence[float]) -> Array:
        """The products of predicted and true scores, counted from the lowest: (examples, 6)."""
        return products(*_scores(predictions, references))

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """Kappa from the sums of 1, x, y, xx, yy and xy, (..., 6), which are whole numbers and therefore exact."""
        n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
        by_chance = n * (xx + yy) - 2 * x * y
        return {"quadratic_kappa": ratio(by_chance - n * (xx + yy - 2 * xy), by_chance)}


def _scores(predictions: Sequence[float], references: Sequence[float]) -> tuple[Array, Array]:
    """Predicted and true scores, whole numbers from 0. Raises ValueError, also for a reference not whole."""
    predicted, gold = numbers(predictions, references)
    if not len(gold):
        return predicted, gold
    if len(broken := np.flatnonzero(gold != np.rint(gold))):
        raise ValueError(f"reference {broken[0]} is {gold[broken[0]]}; quadratic kappa needs whole-number scores")
    low, high = gold.min(), gold.max()
    return np.clip(np.rint(predicted), low, high) - low, gold - low


METRIC = QuadraticKappa
