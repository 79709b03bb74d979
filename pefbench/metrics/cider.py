"""CIDEr-D: agreement of n-grams, which count more the fewer examples have them in their references.

Vedantam et al. 2015, "CIDEr: Consensus-based Image Description Evaluation", arXiv:1411.5726, sections 4 and 5.2, with
the rules of coco-caption: n-grams of 1 to 4 words as vectors weighted by TF-IDF; the similarity to a reference is the
mean over orders of their cosine, with counts clipped to those of the reference, times exp(-d^2 / (2 * 6^2)), where d is
the difference in the number of word pairs; 10 times the mean over references. The paper stems words, the script does
not.
"""

from __future__ import annotations

from collections import Counter
from math import exp, log, sqrt
from operator import mul
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pefbench.metrics._ngrams import grams, words_alone
from pefbench.metrics._texts import MeanTextMetric, WordMetric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from pefbench.metrics._ngrams import Gram

    Array = npt.NDArray[np.float64]
    Vector = dict[Gram, float]

ORDER = 4
SIGMA = 6.0


class Cider(MeanTextMetric, WordMetric):
    """CIDEr-D, from 0 to 10, averaged over examples.

    Predictions: one text per example; references: one or more texts per example. Document
    frequencies of n-grams are counted over the references of the whole test set, for the intervals, too; with one
    example the value is 0. Words are those of 13a without marks; coco-caption's tokeniser needs Java, so values differ
    from its own where texts have clitics.
    """

    headline = "cider"
    higher_is_better: ClassVar = {"cider": True}
    library = "coco-caption"
    settings = f"cider-d|n:{ORDER}|sigma:{SIGMA:g}|tok:13a|case:lc|marks:no|idf:all-references"

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Each example's value: (examples, 1)."""
        wanted = [[_grams(words_alone(text)) for text in right] for right in references]
        weigh = _weigher(wanted)
        found = [
            [_score(weigh(_grams(words_alone(text))), [weigh(each) for each in right])]
            for text, right in zip(predictions, wanted, strict=True)
        ]
        return np.asarray(found, dtype=np.float64)

    def signature(self) -> str:
        """The rules' name and settings."""
        return f"{self.headline}|script:{self.library}|{self.settings}"


def _grams(text: Sequence[str]) -> list[Counter[Gram]]:
    """A text's n-grams by order."""
    return [grams(text, length) for length in range(1, ORDER + 1)]


def _weigher(references: Sequence[Sequence[list[Counter[Gram]]]]) -> Callable[[list[Counter[Gram]]], _Weighted]:
    """A function that gives a text's n-grams TF-IDF weights, from the references of all examples."""
    having: Counter[Gram] = Counter()
    for right in references:
        having.update({gram for text in right for order in text for gram in order})
    most = log(len(references))
    return lambda text: _Weighted(
        [{gram: count * (most - log(max(1, having[gram]))) for gram, count in order.items()} for order in text],
        text[1].total(),
    )


class _Weighted:
    """A text's vectors by order, their norms, and its number of word pairs."""

    def __init__(self, vectors: list[Vector], pairs: int) -> None:
        self.vectors, self.pairs = vectors, pairs
        self.norms = [sqrt(sum(weight**2 for weight in vector.values())) for vector in vectors]


def _score(text: _Weighted, right: Sequence[_Weighted]) -> float:
    return 10 * fmean(_similarity(text, each) for each in right)


def _similarity(text: _Weighted, right: _Weighted) -> float:
    """The mean over orders of the clipped cosine, reduced for a difference in length."""
    cosines = []
    for mine, theirs, size in zip(text.vectors, right.vectors, map(mul, text.norms, right.norms), strict=True):
        shared = sum(min(weight, theirs[gram]) * theirs[gram] for gram, weight in mine.items() if gram in theirs)
        cosines.append(shared / size if size else 0.0)
    return fmean(cosines) * exp(-((text.pairs - right.pairs) ** 2) / (2 * SIGMA**2))


METRIC = Cider
