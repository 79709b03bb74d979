"""How well a model's own uncertainty separates out-of-scope from in-scope texts, over all thresholds.

The area under the receiver operating characteristic (Hendrycks and Gimpel 2017, arXiv:1610.02136, section 2; Fawcett
2006, "An introduction to ROC analysis", section 7): the probability that the model is less certain about an
out-of-scope text than about an in-scope one, with ties counting half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import roc_auc_score

from pefbench.metrics._base import TEXT, Metric, ratio
from pefbench.metrics._numbers import NUMBER
from pefbench.metrics.out_of_scope import OutOfScope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class OutOfScopeAuroc(Metric):
    """Area under the ROC curve of the probability of being out of scope.

    Predictions: that probability, or a label, which is certain of itself. References: one label per example. The value
    is 0.5, that of guessing, where all examples are of one kind.
    """

    headline = "out_of_scope_auroc"
    higher_is_better: ClassVar = {"out_of_scope_auroc": True}
    library = "scikit-learn"
    prediction = NUMBER
    reference = TEXT
    label: ClassVar[str] = OutOfScope.label

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.settings = f"out-of-scope:{self.label}|ties:half"

    def read(self, answer: Any) -> float:
        """The probability of being out of scope."""
        return float(answer["outside"]) if isinstance(answer, dict) else float(answer == self.label)

    def _compute(self, *, predictions: Sequence[float], references: Sequence[str]) -> dict[str, float]:
        outside = [reference == self.label for reference in references]
        one_kind = len({*outside}) < 2
        return {self.headline: 0.5 if one_kind else float(roc_auc_score(outside, predictions))}

    def weighted(self, predictions: Sequence[float], references: Sequence[str]) -> Callable[[Array], dict[str, Array]]:
        """The area over all pairs of an example of each kind, weighted by the product of their weights."""
        scores = np.asarray(list(predictions), dtype=np.float64)
        order = np.argsort(scores, kind="stable")
        _, firsts = np.unique(scores[order], return_index=True)
        outside = np.asarray([reference == self.label for reference in references])[order]

        def areas(weights: Array) -> dict[str, Array]:
            drawn = weights[:, order]
            out, inside = (np.add.reduceat(drawn * kind, firsts, axis=1) for kind in (outside, ~outside))
            below = np.cumsum(inside, axis=1) - inside / 2
            pairs = out.sum(axis=1) * inside.sum(axis=1)
            return {self.headline: np.where(pairs == 0, 0.5, ratio((out * below).sum(axis=1), pairs))}

        return areas


METRIC = OutOfScopeAuroc
