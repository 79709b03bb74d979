"""Word overlap: the candidate that shares most words with the context, rare words counting more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import Choice
    from pefbench.heads.examples import ChoiceExample

WORD = r"\w+"


def overlapping_candidate(train: Sequence[ChoiceExample], test: Sequence[ChoiceExample]) -> list[Choice]:
    """The candidate nearest to the context, the first of equals; scores are cosines of TF-IDF vectors.

    The baseline of Lowe et al. 2015, arXiv:1506.08909. Words' weights are those of the training texts; a
    word that they have not counts for nothing.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=WORD, sublinear_tf=True)
    vectorizer.fit([text for example in train for text in (example.context, example.candidates[example.label])])
    sizes = [len(example.candidates) for example in test]
    contexts = vectorizer.transform([example.context for example in test])
    candidates = vectorizer.transform([text for example in test for text in example.candidates])
    behind = np.repeat(np.arange(len(test)), sizes)
    cosines = np.asarray(contexts[behind].multiply(candidates).sum(axis=1)).ravel()
    return [
        {"choice": int(scores.argmax()), "scores": scores.tolist()}
        for scores in np.split(cosines, np.cumsum(sizes)[:-1])
    ]


BASELINE = overlapping_candidate
