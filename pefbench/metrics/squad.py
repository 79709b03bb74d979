"""Exact match and F1 of answers, by SQuAD's rules.

Rajpurkar et al. 2016 (arXiv:1606.05250, section 6.1): both compare texts without case, punctuation, articles and extra
white space, and take the best of the right answers; F1 is over the words that the two texts share, counted as often as
they occur. Questions without an answer follow the script of SQuAD 2.0, evaluate-v2.0.py (Rajpurkar et al. 2018,
arXiv:1806.03822): 1 for an empty prediction, 0 for any other. Only ASCII punctuation and English articles are dropped.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from datasets import List
from pydantic import Field

from pefbench.metrics._base import TEXT, AdditiveMetric, ratio
from pefbench.metrics._tokenizers import MARKS, SPACELESS, TOLERATED, blindness
from pefbench.sections import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_LETTER = rf"\w[{MARKS}]*"
_CHARACTERS = re.compile(rf"(?={SPACELESS.pattern}){_LETTER}|(?:(?!{SPACELESS.pattern}){_LETTER})+")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


class SquadOptions(Section):
    """The options that a recipe may set."""

    words: Literal["spaces", "characters"] = Field(
        "spaces", description="what F1 counts: words between spaces, or characters, for scripts without spaces"
    )


class Squad(AdditiveMetric):
    """Exact match and F1, averaged over questions, from 0 to 1.

    Predictions: one text per question; references: the list of its right answers; equally many, ValueError otherwise. A
    question has no answer when the list is empty, or all its texts are but punctuation, articles and white space.
    The rules are computed here, as the script is not in any library that is needed anyway.
    """

    headline = "exact_match"
    higher_is_better: ClassVar = {"exact_match": True, "answer_f1": True}
    averaged = frozenset({"exact_match"})
    library = "evaluate-v2.0.py"
    prediction = TEXT
    reference = List(TEXT)
    options_type = SquadOptions
    options: SquadOptions

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        characters = "|words:characters|marks:with-letters" if self.options.words == "characters" else ""
        self.settings = f"normalize:squad|answers:best{characters}"

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, such as a script without spaces."""
        if wrong := super().refusal(references):
            return wrong
        part, example = blindness((text for texts in references for text in texts), self._blind())
        if part <= TOLERATED:
            return None
        name = type(self).__module__.rpartition(".")[2]
        return (
            f"its F1 cannot divide {part:.0%} of the answers' letters into words, as in {example!r}; "
            f"{{name: {name}, words: characters}} can"
        )

    def _blind(self) -> re.Pattern[str] | None:
        return SPACELESS if self.options.words == "spaces" else None

    def judged(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> list[tuple[float, float]]:
        """Exact match and F1 of each question, each the best over its right texts. Raises ValueError."""
        divide = by_spaces if self.options.words == "spaces" else by_characters
        return [
            (
                max(exact_match(predicted, text) for text in texts),
                max(answer_f1(predicted, text, divide) for text in texts),
            )
            for predicted, gold in zip(predictions, references, strict=True)
            for texts in [answers(gold) or [""]]
        ]

    def _compute(self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
        exact, f1 = zip(*self.judged(predictions, references), strict=True)
        return {"exact_match": fmean(exact), "answer_f1": fmean(f1)}

    def counts(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Each question's exact match and F1, and one: (questions, 3)."""
        rows = [(*both, 1) for both in self.judged(predictions, references)]
        return np.asarray(rows, dtype=np.float64).reshape(-1, 3)

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The means from sums of shape (..., 3)."""
        return {"exact_match": ratio(sums[..., 0], sums[..., 2]), "answer_f1": ratio(sums[..., 1], sums[..., 2])}

    def signature(self) -> str:
        """The rules' name and settings; the script's name includes the version."""
        return f"{type(self).__module__.rpartition('.')[2]}|script:{self.library}|{self.settings}"


def answers(texts: Sequence[str]) -> list[str]:
    """The texts that are not empty after `normalize`; if there are none, the question has no answer."""
    return [text for text in texts if normalize(text)]


def normalize(text: str) -> str:
    """A text in lower case, without ASCII punctuation and articles, its words one space apart."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(predicted: str, gold: str) -> float:
    """1 if the two texts are equal after normalisation, otherwise 0."""
    return float(normalize(predicted) == normalize(gold))


def by_spaces(text: str) -> list[str]:
    """The words of a normalized text."""
    return text.split()


def by_characters(text: str) -> list[str]:
    """The characters of scripts without spaces, and the words of others; accents and vowel signs stay with letters.

    The punctuation of all scripts is dropped.
    """
    return _CHARACTERS.findall(text)


def answer_f1(predicted: str, gold: str, divide: Callable[[str], list[str]] = by_spaces) -> float:
    """The F1 of the words that two texts share, from 0 to 1; if one has no words, whether the other has none, too."""
    found, wanted = divide(normalize(predicted)), divide(normalize(gold))
    if not found or not wanted:
        return float(found == wanted)
    return 2 * (Counter(found) & Counter(wanted)).total() / (len(found) + len(wanted))


METRIC = Squad
