"""Texts as weighted words, for baselines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from sklearn.feature_extraction.text import TfidfVectorizer

    Array = npt.NDArray[np.float64]

WORDS = r"\w+|[^\w\s]"
"""Words and single marks: a question mark or an emoticon is informative, too."""
WORD = re.compile(r"\w+")


def vectorizer() -> TfidfVectorizer:
    """A vectorizer with TF-IDF weights of words and word pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2), sublinear_tf=True)


def nearest(known: Sequence[str], texts: Sequence[str]) -> list[int]:
    """For each text, the index of the most similar known text; the first if several are equal.

    A text without any known word gets the first text.
    """
    words = vectorizer()
    vectors = words.fit_transform(known)
    likeness = words.transform(texts) @ vectors.T
    return [int(row.toarray().argmax()) for row in likeness]


def text(example: Any) -> str:
    """An example's text; the texts of a pair are joined."""
    return str(example.text) if example.pair is None else f"{example.text} {example.pair}"


def overlaps(examples: Sequence[Any]) -> Array:
    """For both texts of each pair, the share of distinct words in the other text, (examples, 2); 0 if no words."""
    return np.asarray([_overlap(_words(example.text), _words(example.pair or "")) for example in examples])


def _overlap(first: set[str], second: set[str]) -> tuple[float, float]:
    shared = len(first & second)
    return shared / max(len(first), 1), shared / max(len(second), 1)


def _words(text: str) -> set[str]:
    return set(WORD.findall(text.casefold()))
