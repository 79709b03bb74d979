"""Bag of words for numbers: ridge regression on words and pairs of words, weighted by TF-IDF, and on the length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.tasks.baselines._words import text, vectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pefbench.heads.examples import RegressionExample

    Array = npt.NDArray[np.float64]

STRENGTH = 1.0
"""Strength of the L2 penalty; not tuned on any data set."""


def bag_of_words_score(train: Sequence[RegressionExample], test: Sequence[RegressionExample]) -> list[float]:
    """Scores by scikit-learn's ridge regression, within the range of the training scores.

    The logarithm of the number of words is a feature too: long essays score better.
    """
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer

    pipeline = make_pipeline(make_union(vectorizer(), FunctionTransformer(_lengths)), Ridge(alpha=STRENGTH))
    scores = np.asarray([example.score for example in train])
    pipeline.fit([text(example) for example in train], scores)
    predicted = pipeline.predict([text(example) for example in test])
    return [float(score) for score in predicted.clip(scores.min(), scores.max())]


def _lengths(texts: Sequence[str]) -> Array:
    """The logarithm of each text's number of words, (texts, 1)."""
    return np.log1p([[len(text.split())] for text in texts])


BASELINE = bag_of_words_score
