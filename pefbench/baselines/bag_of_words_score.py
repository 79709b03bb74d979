"""Bag of words for numbers: ridge regression on words and pairs of words, weighted by TF-IDF, and on the length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.baselines._words import text, vectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.forms.regression import RegressionExample

STRENGTH = 1.0
"""Strength of the L2 penalty; not tuned on any data set."""


def bag_of_words_score(train: Sequence[RegressionExample], test: Sequence[RegressionExample]) -> list[float]:
    """Return scores by scikit-learn's ridge regression, within the range of the training scores.

    The logarithm of the number of words is a feature too: long essays score better.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import Ridge

    words = vectorizer().fit([text(example) for example in train])

    def features(examples: Sequence[RegressionExample]) -> csr_matrix:
        lengths = np.log1p([[len(text(example).split())] for example in examples])
        return hstack([words.transform([text(example) for example in examples]), csr_matrix(lengths)]).tocsr()

    scores = np.asarray([example.score for example in train])
    fitted = Ridge(alpha=STRENGTH).fit(features(train), scores)
    return [float(score) for score in fitted.predict(features(test)).clip(scores.min(), scores.max())]


BASELINE = bag_of_words_score
