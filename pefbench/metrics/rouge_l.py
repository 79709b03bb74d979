"""ROUGE-L as in coco-caption, used to report the E2E NLG challenge and COCO captions.

Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3.1: the F-measure of the longest common
subsequence of words. Here recall counts 1.2 squared as much as precision, and each is the best over the references, not
always with the same one. This is a different number from rouge_score's, see `rouge`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pefbench.metrics._ngrams import words_alone
from pefbench.metrics._texts import MeanTextMetric, WordMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

BETA = 1.2


class RougeL(MeanTextMetric, WordMetric):
    """ROUGE-L, from 0 to 1, averaged over examples.

    Predictions: one text per example; references: one or more texts per example. Words are those of 13a without marks;
    coco-caption's tokeniser needs Java, so values differ from its own where texts have clitics.
    """

    headline = "rouge_l"
    higher_is_better: ClassVar = {"rouge_l": True}
    library = "coco-caption"
    settings = f"beta:{BETA}|tok:13a|case:lc|marks:no|references:best-precision,best-recall"

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Each example's value: (examples, 1)."""
        return np.asarray(
            [
                [_score(words_alone(text), [words_alone(each) for each in right])]
                for text, right in zip(predictions, references, strict=True)
            ],
            dtype=np.float64,
        )

    def signature(self) -> str:
        """The rules' name and settings."""
        return f"{self.headline}|script:{self.library}|{self.settings}"


def _score(text: Sequence[str], right: Sequence[Sequence[str]]) -> float:
    """One example's value; 0 if the generated text, or every reference, has no words."""
    common = [_longest_common(text, each) for each in right]
    precision = max(common) / max(1, len(text))
    recall = max(length / max(1, len(each)) for length, each in zip(common, right, strict=True))
    if not precision:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        above = row
        row = [0]
        for column, against in enumerate(other):
            row.append(above[column] + 1 if word == against else max(above[column + 1], row[-1]))
    return row[-1]


METRIC = RougeL
