"""BLEU of a corpus (Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation").

As sacreBLEU computes it: mteval's 13a tokeniser unless a recipe names another, case kept, n-grams up to 4, exponential
smoothing for orders without a matching n-gram. The brevity penalty uses the reference whose length is closest to that
of the generated text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from pefbench.metrics._base import ratio
from pefbench.metrics._sacrebleu import SacreMetric
from pefbench.metrics._tokenizers import BLIND, Tokenizer, lacking_packages
from pefbench.sections import Section

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

ORDER = 4


class BleuOptions(Section):
    """The options that a recipe may set."""

    tokenizer: Tokenizer = Field(
        "13a",
        description="sacreBLEU's: 13a or intl where spaces divide words, zh, ja-mecab, ko-mecab, or char for any",
    )


class Bleu(SacreMetric):
    """BLEU, from 0 to 100. Predictions: one text per example; references: one or more texts per example."""

    options_type = BleuOptions
    options: BleuOptions
    remedy = "name a tokenizer that can: {name: bleu, tokenizer: zh}, or ja-mecab, or char for any script"

    headline = "bleu"
    higher_is_better: ClassVar = {"bleu": True}
    lowercase: ClassVar[bool] = False
    """Whether texts are compared in lower case."""

    def scorer(self) -> Any:
        """SacreBLEU's BLEU, without its warning about texts that look tokenised."""
        from sacrebleu.metrics.bleu import BLEU

        return BLEU(lowercase=self.lowercase, tokenize=self.options.tokenizer, force=True)

    def blind(self) -> re.Pattern[str] | None:
        """The letters that the tokenizer cannot split into words."""
        return BLIND[self.options.tokenizer]

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, for example because the tokenizer's packages are missing."""
        return lacking_packages(self.options.tokenizer) or super().refusal(references)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """BLEU from sums of lengths (generated, right), right n-grams by order and all n-grams by order."""
        generated, wanted = sums[..., 0], sums[..., 1]
        right, total = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
        # The k-th order without a match counts as 1/2^k matching n-grams; an order without n-grams makes BLEU 0.
        smoothed = np.where(right > 0, right, (total > 0) * 0.5 ** np.cumsum(right == 0, axis=-1))
        with np.errstate(divide="ignore"):
            mean = np.exp(np.log(ratio(smoothed, total)).mean(axis=-1))
        # Texts longer than the reference are not penalised; an empty corpus scores 0.
        brevity = np.where(generated > 0, np.exp(np.minimum(0, 1 - ratio(wanted, generated))), 0)
        return {self.headline: np.where(right.any(axis=-1), 100 * brevity * mean, 0)}


METRIC = Bleu
