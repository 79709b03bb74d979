"""Texts as weighted words, for baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

WORDS = r"\w+|[^\w\s]"
"""Words and single marks: a question mark or an emoticon says something too."""


def vectorizer() -> TfidfVectorizer:
    """A vectorizer: TF-IDF weights of words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2), sublinear_tf=True)


def text(example: Any) -> str:
    """An example's text; the texts of a pair are read as one."""
    return str(example.text) if example.pair is None else f"{example.text} {example.pair}"
