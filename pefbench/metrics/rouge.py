"""ROUGE (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries") by rouge_score.

F-measures of words, of pairs of words, and of the longest common subsequences of sentences, each a line (rougeLsum).
Words are runs of a-z and 0-9 in lower case, stemmed by Porter's rules: texts in other scripts have none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pefbench.metrics._texts import MeanTextMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Rouge(MeanTextMetric):
    """ROUGE-1, ROUGE-2 and ROUGE-Lsum, from 0 to 1, averaged over examples.

    Predictions: one text an example; references: its right texts, of which the best is counted, for each value apart.
    """

    headline = "rougeLsum"
    higher_is_better: ClassVar = {"rouge1": True, "rouge2": True, "rougeLsum": True}
    library = "rouge-score"
    settings = "stemmer:porter|measure:f|sentences:lines|references:best"

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Return each example's three F-measures: (examples, 3)."""
        scorer = _scorer(tuple(self.higher_is_better))
        best = [scorer.score_multi(right, text) for text, right in zip(predictions, references, strict=True)]
        return np.asarray([[each[name].fmeasure for name in self.higher_is_better] for each in best], dtype=np.float64)


@lru_cache(maxsize=1)
def _scorer(names: tuple[str, ...]) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([*names], use_stemmer=True)


METRIC = Rouge
