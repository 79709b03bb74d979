"""SQuAD 2.0: exact match and F1, also separately for questions with and without an answer.

Rajpurkar et al. 2018 (arXiv:1806.03822). A model that never answers is right on every question without an answer, so
the two parts show what the total hides. See `squad` for the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pefbench.metrics._base import ratio
from pefbench.metrics.squad import Squad, answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class SquadV2(Squad):
    """Exact match and F1 over all questions, over those with an answer (HasAns), and over those without (NoAns).

    Without an answer, exact match and F1 are the same: whether the prediction is empty. The values of a part that has
    no question are 0. Predictions and references as for `squad`.
    """

    higher_is_better: ClassVar = {
        "exact_match": True,
        "answer_f1": True,
        "has_answer_exact_match": True,
        "has_answer_f1": True,
        "no_answer_exact_match": True,
    }

    def _compute(self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
        both = np.asarray(self.judged(predictions, references))
        answered = np.asarray([bool(answers(texts)) for texts in references])
        has_answer = both[answered].mean(axis=0) if answered.any() else np.zeros(2)
        no_answer = both[~answered, 0].mean() if not answered.all() else 0.0
        return dict(zip(self.higher_is_better, map(float, [*both.mean(axis=0), *has_answer, no_answer]), strict=True))

    def counts(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Exact match, F1 and 1 in the columns of a question's part: (questions, 6), HasAns first."""
        whole = super().counts(predictions, references)
        answered = np.asarray([[bool(answers(texts))] for texts in references], dtype=bool).reshape(-1, 1)
        return np.concatenate([whole * answered, whole * ~answered], axis=1)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The means from sums of shape (..., 6)."""
        has_answer, no_answer = sums[..., :3], sums[..., 3:]
        return {
            **super().from_counts(has_answer + no_answer),
            "has_answer_exact_match": ratio(has_answer[..., 0], has_answer[..., 2]),
            "has_answer_f1": ratio(has_answer[..., 1], has_answer[..., 2]),
            "no_answer_exact_match": ratio(no_answer[..., 0], no_answer[..., 2]),
        }


METRIC = SquadV2
