"""chrF2: the F-score of character n-grams (Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation").

As sacreBLEU computes it: n-grams of up to 6 characters, white space left out, recall counts twice as much as precision.
Precision and recall are means over the orders that both texts of the corpus have. Of several references, the one with
which an example alone scores best is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pefbench.metrics._base import ratio
from pefbench.metrics._sacrebleu import SacreMetric

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

BETA = 2


class Chrf(SacreMetric):
    """chrF2, from 0 to 100. Predictions: one text per example; references: one or more texts per example."""

    headline = "chrf"
    higher_is_better: ClassVar = {"chrf": True}

    def scorer(self) -> Any:
        """SacreBLEU's chrF."""
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(beta=BETA)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """ChrF from sums of generated, reference and matching n-grams, all three by order: (..., 3 * orders)."""
        generated, wanted, right = np.moveaxis(sums.reshape(*sums.shape[:-1], sums.shape[-1] // 3, 3), -1, 0)
        there = (generated > 0) & (wanted > 0)
        precision, recall = (
            ratio((there * ratio(right, all_)).sum(axis=-1), there.sum(axis=-1)) for all_ in (generated, wanted)
        )
        score = ratio((1 + BETA**2) * precision * recall, BETA**2 * precision + recall)
        return {self.headline: 100 * score}


METRIC = Chrf
