"""METEOR by nltk: words that match exactly, by stem or by WordNet synonyms, and their order.

Banerjee and Lavie 2005, "METEOR: An Automatic Metric for MT Evaluation with Improved Correlation with Human Judgments",
with Porter's stems. The E2E NLG challenge and COCO captions are reported with METEOR 1.5, a Java program with tuned
parameters and paraphrase tables: its values are different, and are not computed here. Synonyms need nltk's wordnet
data, which is not a package: without it the metric is refused before training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pefbench.metrics._ngrams import words
from pefbench.metrics._texts import MeanTextMetric, WordMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Meteor(MeanTextMetric, WordMetric):
    """METEOR, from 0 to 1, averaged over examples.

    Predictions: one text per example; references: one or more texts per example, of which the best counts.
    """

    headline = "meteor"
    higher_is_better: ClassVar = {"meteor": True}
    library = "nltk"
    settings = "alpha:0.9|beta:3|gamma:0.5|match:exact,porter,wordnet|tok:13a|case:lc|references:best"

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, for example because nltk's wordnet data is missing."""
        try:
            synonyms().synsets("word")
        except LookupError:
            return "it needs nltk's wordnet data, which is not installed (python -m nltk.downloader wordnet fetches it)"
        return super().refusal(references)

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Each example's value: (examples, 1). Raises LookupError without nltk's wordnet data."""
        from nltk.translate.meteor_score import meteor_score

        known = synonyms()
        return np.asarray(
            [
                [meteor_score([words(each) for each in right], words(text), wordnet=known)]
                for text, right in zip(predictions, references, strict=True)
            ],
            dtype=np.float64,
        )


def synonyms() -> Any:
    """NLTK's WordNet, which is loaded on first use."""
    from nltk.corpus import wordnet

    return wordnet


METRIC = Meteor
