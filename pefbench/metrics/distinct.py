"""Distinct-n: how diverse generated texts are, as distinct n-grams divided by all n-grams of the corpus.

Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models", arXiv:1510.03055, section
5.2. The paper divides by the number of words for word pairs, too; here each count is divided by the number of its own
n-grams. Words and marks are those of mteval-v13a, or of another tokenizer, in lower case. The longer a corpus, the
lower its values: compare them only on the same prompts. A resample has some texts more than once and others not at all,
so it is less diverse than the corpus and does not show how far the value may move: there is no interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from pefbench.metrics._base import ratio
from pefbench.metrics._ngrams import grams, words
from pefbench.metrics._texts import TextMetric
from pefbench.metrics._tokenizers import BLIND
from pefbench.sections import Section

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from scipy.sparse import csr_array

    Array = npt.NDArray[np.float64]

_CHUNK = 2**22  # n-grams of resamples processed together: 32 MiB


class DistinctOptions(Section):
    """The options that a recipe may set."""

    tokenizer: Literal["13a", "intl", "zh", "char"] = Field(
        "13a", description="sacreBLEU's: 13a or intl for scripts with spaces, zh for Chinese, char for any"
    )


class Distinct(TextMetric):
    """Distinct-1 and distinct-2, from 0 to 1; 0 where there are no n-grams.

    Predictions: one text per example. References: not used.
    """

    headline = "distinct_2"
    moves_with_examples = False
    higher_is_better: ClassVar = {"distinct_1": True, "distinct_2": True}
    library = "sacrebleu"
    options_type = DistinctOptions
    options: DistinctOptions
    remedy = "name a tokenizer that can: {name: distinct, tokenizer: zh}, or char for any script"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.settings = f"tok:{self.options.tokenizer}|case:lc|over:n-grams|corpus:all-predictions"

    def blind(self) -> re.Pattern[str] | None:
        """The letters that the tokenizer cannot split into words."""
        return BLIND[self.options.tokenizer]

    def _compute(self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:  # noqa: ARG002
        found = {}
        for length, name in enumerate(self.higher_is_better, start=1):
            each = [
                gram for text in predictions for gram in grams(words(text, self.options.tokenizer), length).elements()
            ]
            found[name] = len({*each}) / len(each) if each else 0.0
        return found

    def weighted(
        self,
        predictions: Sequence[str],
        references: Sequence[Sequence[str]],  # noqa: ARG002 - not used
    ) -> Callable[[Array], dict[str, Array]]:
        """The values of resamples: distinct n-grams of the drawn examples, divided by all their n-grams."""
        texts = [words(text, self.options.tokenizer) for text in predictions]
        counted = {name: _incidence(texts, length) for length, name in enumerate(self.higher_is_better, start=1)}
        return lambda weights: {
            name: ratio(_different(weights, where), weights @ totals) for name, (where, totals) in counted.items()
        }


def _incidence(texts: Sequence[Sequence[str]], length: int) -> tuple[csr_array, Array]:
    """Which n-grams each text has, (n-grams, texts), and each text's number of n-grams, (texts,)."""
    from scipy.sparse import csr_array

    counts = [grams(text, length) for text in texts]
    number: dict[tuple[str, ...], int] = {}
    places = [(number.setdefault(gram, len(number)), text) for text, each in enumerate(counts) for gram in each]
    rows, columns = np.asarray(places, dtype=np.int64).reshape(-1, 2).T
    there = csr_array((np.ones(len(places)), (rows, columns)), shape=(len(number), len(texts)))
    return there, np.asarray([each.total() for each in counts], dtype=np.float64)


def _different(weights: Array, where: csr_array) -> Array:
    """How many distinct n-grams the texts of each resample have: (resamples,)."""
    drawn = (weights > 0).astype(np.float64)
    step = max(1, _CHUNK // max(1, where.shape[0]))
    parts = [((where @ drawn[i : i + step].T) > 0).sum(axis=0) for i in range(0, len(drawn), step)]
    return np.concatenate(parts).astype(np.float64)


METRIC = Distinct
