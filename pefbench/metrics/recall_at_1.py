"""Recall@1 and mean reciprocal rank of the right candidate, as in reply selection.

Recall@1 is the fraction of examples whose right candidate has the highest score (Lowe et al. 2015, arXiv:1506.08909:
R_n@1 among n candidates); MRR is the mean of one over its rank (Voorhees 1999, "The TREC-8 Question
Answering Track Report"). Both depend on how many candidates there are, and on how they were drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import ndcg_score

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._ranks import CHOICE, PLACE, by_number_of_candidates, expected, standing, unranked

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.metrics._ranks import Choice, Counts

    Array = npt.NDArray[np.float64]


class RecallAt1(AdditiveMetric):
    """Recall@1 and MRR, averaged over examples.

    Predictions: scores of the candidates; references: which one is right; equally many, ValueError otherwise. Equal
    scores: the mean over their orders, so k equal best scores make a recall of 1/k. scikit-learn has no MRR with that
    rule; its recall@1 is the NDCG of the first place.
    """

    headline = "recall_at_1"
    higher_is_better: ClassVar = {"recall_at_1": True, "mrr": True}
    averaged = frozenset({"recall_at_1"})
    library = "scikit-learn"
    settings = "average:examples|ties:expected"
    prediction = CHOICE
    reference = PLACE

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be ranked, or None."""
        return super().refusal(references) or unranked(references)

    def _compute(self, *, predictions: Sequence[Choice], references: Sequence[int]) -> dict[str, float]:
        groups = by_number_of_candidates(predictions, references)
        right = sum(len(scores) * ndcg_score(relevance, scores, k=1) for relevance, scores in groups)
        places = standing(predictions, references)
        return {"recall_at_1": float(right / len(references)), "mrr": float(_reciprocal(places).mean())}

    def counts(self, predictions: Sequence[Choice], references: Sequence[int]) -> Array:
        """Each example's expected recall@1 and reciprocal rank, and one: (examples, 3)."""
        places = standing(predictions, references)
        return np.stack([expected(np.ones(1), places), _reciprocal(places), np.ones(len(places))], axis=1)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The means from sums of shape (..., 3)."""
        return {"recall_at_1": ratio(sums[..., 0], sums[..., 2]), "mrr": ratio(sums[..., 1], sums[..., 2])}


def _reciprocal(places: Counts) -> Array:
    """One over the rank of each example's right candidate, (examples,)."""
    most = int(places.sum(axis=1).max(initial=0)) + 1
    return expected(1 / np.arange(1, most + 1), places)


METRIC = RecallAt1
