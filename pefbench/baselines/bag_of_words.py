"""Bag of words: logistic regression on words and pairs of words, weighted by TF-IDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.forms.sequence import SequenceExample

WORDS = r"\w+|[^\w\s]"
"""Words and single marks: a question mark or an emoticon says something too."""
STRENGTH = 10.0
"""Inverse strength of the L2 penalty; not tuned on any of the data sets here."""


def bag_of_words(train: Sequence[SequenceExample], test: Sequence[SequenceExample]) -> list[str]:
    """Return the likeliest label by scikit-learn's logistic regression; the texts of a pair are read as one."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(
        TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=STRENGTH, max_iter=1000),
    )
    pipeline.fit([_text(example) for example in train], [example.label for example in train])
    return [str(label) for label in pipeline.predict([_text(example) for example in test])]


def _text(example: SequenceExample) -> str:
    return example.text if example.pair is None else f"{example.text} {example.pair}"


BASELINE = bag_of_words
