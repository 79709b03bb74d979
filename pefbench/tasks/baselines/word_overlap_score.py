"""Word overlap for numbers: linear regression on how many words the texts of a pair share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.tasks.baselines._words import overlaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import RegressionExample


def word_overlap_score(train: Sequence[RegressionExample], test: Sequence[RegressionExample]) -> list[float]:
    """Scores by the share of each text's words that the other has, within the range of the training scores."""
    from sklearn.linear_model import LinearRegression

    scores = np.asarray([example.score for example in train])
    predicted = LinearRegression().fit(overlaps(train), scores).predict(overlaps(test))
    return [float(score) for score in predicted.clip(scores.min(), scores.max())]


BASELINE = word_overlap_score
