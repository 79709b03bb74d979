"""NIST of a corpus: n-grams weighted by their information, by the rules of mteval-v13a.

Doddington 2002, "Automatic Evaluation of Machine Translation Quality Using N-gram Co-Occurrence Statistics", section 3.
An n-gram's information is log2 of how often its first n - 1 words occur in all references, over how often all n do.
With several references, an n-gram may match as often as in any of them, and the length to reach is their mean, as in
the E2E NLG challenge's script, which follows the same rules; nltk's corpus_nist has other rules for several references,
and the same for one.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from math import log, log2
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._ngrams import grams, words
from pefbench.metrics._texts import WordMetric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from pefbench.metrics._ngrams import Gram

    Array = npt.NDArray[np.float64]

ORDER = 5
BETA = log(0.5) / log(1.5) ** 2
"""Chosen so that a corpus of two thirds of the reference length gets half the score."""


class Nist(AdditiveMetric, WordMetric):
    """NIST, from 0 upwards; its largest value depends on the references.

    Predictions: one text per example. References: one or more texts per example. In the interval, the
    information of an n-gram is that in all references of the test set, whichever examples are drawn.
    """

    headline = "nist"
    higher_is_better: ClassVar = {"nist": True}
    library = "mteval-v13a"
    settings = f"n:{ORDER}|tok:13a|case:lc|references:union,mean-length|information:all-references"

    def _compute(self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
        value = self.from_counts(self.counts(predictions, references).sum(axis=0))
        return {name: float(found) for name, found in value.items()}

    def counts(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Lengths (generated, reference), matched information by order, n-grams by order: (examples, 2 + 2 * 5)."""
        wanted = [[words(text) for text in right] for right in references]
        worth = _information(wanted)
        return np.asarray(
            [_counts(words(text), right, worth) for text, right in zip(predictions, wanted, strict=True)],
            dtype=np.float64,
        )

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """NIST from sums of shape (..., 2 + 2 * 5)."""
        generated, wanted = sums[..., 0], sums[..., 1]
        got, total = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
        share = np.minimum(ratio(generated, wanted), 1)
        with np.errstate(divide="ignore"):
            penalty = np.exp(BETA * np.log(share) ** 2)
        return {self.headline: ratio(got, total).sum(axis=-1) * penalty}

    def signature(self) -> str:
        """The rules' name and settings; the script's name includes the version."""
        return f"{self.headline}|script:{self.library}|{self.settings}"


def _information(references: Sequence[Sequence[Sequence[str]]]) -> Mapping[Gram, float]:
    """The information of each n-gram in all references, in bits."""
    texts = [text for right in references for text in right]
    often: Counter[Gram] = Counter()
    for length in range(1, ORDER + 1):
        for text in texts:
            often.update(grams(text, length))
    often[()] = sum(map(len, texts))
    return {gram: log2(often[gram[:-1]] / count) for gram, count in often.items() if gram}


def _counts(text: Sequence[str], right: Sequence[Sequence[str]], worth: Mapping[Gram, float]) -> list[float]:
    got, total = [], []
    for length in range(1, ORDER + 1):
        found = grams(text, length)
        anywhere: Counter[Gram] = reduce(Counter.__or__, (grams(each, length) for each in right))
        got.append(sum(worth[gram] * count for gram, count in (found & anywhere).items()))
        total.append(found.total())
    return [len(text), sum(map(len, right)) / len(right), *got, *total]


METRIC = Nist
