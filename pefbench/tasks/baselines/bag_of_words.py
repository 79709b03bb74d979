"""Bag of words: logistic regression on words and pairs of words, weighted by TF-IDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.tasks.baselines._words import text, vectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import SequenceExample

STRENGTH = 10.0
"""Inverse strength of the L2 penalty; not tuned on any of the data sets here."""


def bag_of_words(train: Sequence[SequenceExample], test: Sequence[SequenceExample]) -> list[str]:
    """The likeliest label by scikit-learn's logistic regression; where training has one label alone, that one."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    labels = [example.label for example in train]
    if len({*labels}) == 1:
        return [labels[0]] * len(test)
    pipeline = make_pipeline(vectorizer(), LogisticRegression(C=STRENGTH, max_iter=1000))
    pipeline.fit([text(example) for example in train], labels)
    return [str(label) for label in pipeline.predict([text(example) for example in test])]


BASELINE = bag_of_words
