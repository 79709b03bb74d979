"""AUC, NDCG@10 and hit rate@10 of the right candidate among others, as in recommendation.

One right item is ranked among negatives, and each value is the mean over examples (users or impressions): He et al.
2017, "Neural Collaborative Filtering", section 4.1; Wu et al. 2020, "MIND". With one right item, NDCG@10 is 1 / log2(1
+ rank) up to rank 10, and AUC is the fraction of negatives that score below it. Values on sampled negatives differ from
those on all items (Krichene and Rendle 2020, "On Sampled Metrics for Item Recommendation").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import ndcg_score, roc_auc_score

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._ranks import CHOICE, PLACE, by_number_of_candidates, expected, standing, unranked

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.metrics._ranks import Choice

    Array = npt.NDArray[np.float64]

PLACES = 10


class Ranking(AdditiveMetric):
    """AUC, NDCG@10 and hit rate@10, averaged over examples.

    Predictions: scores of the candidates; references: which one is right; equally many, ValueError otherwise. Equal
    scores: the mean over their orders, so constant scores have an AUC of 0.5. scikit-learn has no hit rate with that
    rule.
    """

    headline = "auc"
    higher_is_better: ClassVar = {"auc": True, "ndcg_at_10": True, "hit_rate_at_10": True}
    averaged = frozenset({"hit_rate_at_10"})
    library = "scikit-learn"
    settings = "average:examples|ties:expected"
    prediction = CHOICE
    reference = PLACE

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be ranked, or None."""
        return super().refusal(references) or unranked(references)

    def _compute(self, *, predictions: Sequence[Choice], references: Sequence[int]) -> dict[str, float]:
        auc = ndcg = 0.0
        for relevance, scores in by_number_of_candidates(predictions, references):
            auc += len(scores) * roc_auc_score(relevance, scores, average="samples")
            ndcg += len(scores) * ndcg_score(relevance, scores, k=PLACES)
        hits = expected(np.ones(PLACES), standing(predictions, references))
        return {
            "auc": float(auc / len(references)),
            "ndcg_at_10": float(ndcg / len(references)),
            "hit_rate_at_10": float(hits.mean()),
        }

    def counts(self, predictions: Sequence[Choice], references: Sequence[int]) -> Array:
        """Each example's AUC, NDCG@10 and hit rate@10, and one: (examples, 4)."""
        places = standing(predictions, references)
        auc = (places[:, 2] + places[:, 1] / 2) / places.sum(axis=1)
        ndcg = expected(1 / np.log2(np.arange(2, PLACES + 2)), places)
        return np.stack([auc, ndcg, expected(np.ones(PLACES), places), np.ones(len(places))], axis=1)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The means from sums of shape (..., 4)."""
        return {name: ratio(sums[..., i], sums[..., -1]) for i, name in enumerate(self.higher_is_better)}


METRIC = Ranking
