"""ROUGE (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries") by rouge_score.

F-measures of words, of word pairs, and of the longest common subsequences of sentences (rougeLsum). Sentences end at
line breaks and at sentence-ending marks, so that a summary on one line is also compared sentence by sentence. Words are
runs of a-z and 0-9 in lower case, stemmed by Porter's rules; other scripts need another tokenizer, which keeps accents
and vowel signs with their letters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from pefbench.metrics._texts import MeanTextMetric
from pefbench.metrics._tokenizers import MARKS, SPACELESS
from pefbench.sections import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

LETTER = rf"[^\W_][{MARKS}]*"
RULES: dict[str, tuple[str, re.Pattern[str] | None, Callable[[str], list[str]] | None]] = {
    "a-z0-9": ("stemmer:porter", re.compile(r"[^\W_a-z0-9]"), None),
    "words": ("tok:words|marks:with-letters", SPACELESS, re.compile(f"(?:{LETTER})+").findall),
    "characters": ("tok:characters|marks:with-letters", None, re.compile(LETTER).findall),
}
"""Tokenizer -> its text in the signature, the letters that it cannot split, and the function; None: rouge_score's."""

# After a mark unless the next word begins with a lower-case letter; after marks of scripts without spaces.
END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?![a-z])|(?<=[。！？])\s*(?=\S)")


class RougeOptions(Section):
    """The options that a recipe may set."""

    tokenizer: Literal["a-z0-9", "words", "characters"] = Field(
        "a-z0-9",
        description="rouge_score's words of a-z and 0-9, stemmed; words of any script with spaces; or characters",
    )
    sentences: Literal["marks", "lines"] = Field(
        "marks", description="sentences of rougeLsum: they end at line breaks and . ! ?, or at line breaks only"
    )


class Rouge(MeanTextMetric):
    """ROUGE-1, ROUGE-2 and ROUGE-Lsum, from 0 to 1, averaged over examples.

    Predictions: one text per example; references: one or more, of which the best counts, for each value
    separately.
    """

    headline = "rougeLsum"
    higher_is_better: ClassVar = {"rouge1": True, "rouge2": True, "rougeLsum": True}
    library = "rouge-score"
    options_type = RougeOptions
    options: RougeOptions
    remedy = "name a tokenizer that can: {name: rouge, tokenizer: characters}, or words where spaces divide them"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        sentences = "lines" if self.options.sentences == "lines" else "lines,.!?"
        rule = RULES[self.options.tokenizer][0]
        self.settings = f"{rule}|measure:f|sentences:{sentences}|references:best"

    def blind(self) -> re.Pattern[str] | None:
        """The letters that the tokenizer does not include in words."""
        return RULES[self.options.tokenizer][1]

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Each example's three F-measures: (examples, 3)."""
        scorer = _scorer(tuple(self.higher_is_better), self.options.tokenizer)
        best = [
            scorer.score_multi([self._lines(each) for each in right], self._lines(text))
            for text, right in zip(predictions, references, strict=True)
        ]
        return np.asarray([[each[name].fmeasure for name in self.higher_is_better] for each in best], dtype=np.float64)

    def _lines(self, text: str) -> str:
        """A text with one sentence per line, as rouge_score expects it."""
        return text if self.options.sentences == "lines" else END.sub("\n", text)


@lru_cache
def _scorer(names: tuple[str, ...], tokenizer: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    divide = RULES[tokenizer][2]
    if divide is None:
        return RougeScorer([*names], use_stemmer=True)
    return RougeScorer([*names], tokenizer=SimpleNamespace(tokenize=lambda text: divide(text.lower())))


METRIC = Rouge
