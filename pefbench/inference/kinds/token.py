"""A tag for each word: ``{"entities"}``, or ``{"words"}`` if the tags do not mark entities.

Each is ``{"label", "text", "start", "end", "score"}``, with character offsets in the input text. A text is split into
words as in a data set with offsets; given words are joined by spaces. An entity's score is the mean probability of its
words' tags. A text of any length is read, in overlapping windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, quoted
from pefbench.heads._word_windows import cut_between
from pefbench.heads.examples import TokenExample
from pefbench.heads.token import OUTSIDE
from pefbench.inference.kind import Answer, Json, Kind, Query, check_characters
from pefbench.sources import tagging
from pefbench.sources.offsets import divide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.examples import Span
    from pefbench.heads.token import TokenHead


@dataclass(frozen=True)
class Words:
    """A text, the character offsets of its words, and windows of words, all [start, end)."""

    text: str
    at: list[Span]
    windows: list[Span]


class TokenKind(Kind):
    """Tagging."""

    columns = ("tokens",)
    required = ("tokens",)

    def query(
        self, values: Mapping[str, Any], head: TokenHead, tokenizer: PreTrainedTokenizerFast, max_length: int
    ) -> Query:
        """Turn a text, or a list of words, into windows."""
        text, at = _words(values["tokens"])
        words = [text[start:end] for start, end in at]
        windows = head.windows(tokenizer, words, max_length) if words else []
        examples = [TokenExample(tuple(words[first:end]), (OUTSIDE,) * (end - first)) for first, end in windows]
        return Query(examples, Words(text, at, windows))

    def answer(self, query: Query, head: TokenHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002 - no window is cut
        """The entities or the words, with their offsets."""
        given: Words = query.about
        tags, scores = _joined(given.windows, found)
        if all(label == OUTSIDE or label.startswith(("B-", "I-")) for label in head.labels):
            return {"entities": [_answer(given, scores, *span) for span in tagging.spans(tags)]}
        return {"words": [_answer(given, scores, tag, word, word + 1) for word, tag in enumerate(tags)]}

    def input_of(self, example: TokenExample) -> Json:
        """The words."""
        return {"tokens": [*example.tokens]}

    def prediction(self, answer: Answer, query: Query, head: TokenHead) -> Any:  # noqa: ARG002 - the answer suffices
        """A tag for each word."""
        given: Words = query.about
        if "words" in answer:
            return [each["label"] for each in answer["words"]]
        tags = [OUTSIDE] * len(given.at)
        for entity in answer["entities"]:
            inside = [word for word, at in enumerate(given.at) if entity["start"] <= at[0] < entity["end"]]
            for word in inside:
                tags[word] = f"{'B' if word == inside[0] else 'I'}-{entity['label']}"
        return tags

    def line(self, answer: Answer) -> str:
        """Each entity, or each word, with its label."""
        [found] = answer.values()
        return "  ".join(f"{one['text']} ({one['label']} {one['score']:.3f})" for one in found) or "no entities"


def _words(given: object) -> tuple[str, list[Span]]:
    """A text and its words' character offsets. Raises DataError if the input is neither a text nor words."""
    if isinstance(given, str):
        check_characters(given, "the text")
        return given, divide(given)
    if not isinstance(given, list | tuple) or not all(isinstance(word, str) and word.strip() for word in given):
        raise DataError(f"should be a text or a list of words, is {quoted(given)}")
    at, start = [], 0
    for word in given:
        check_characters(word, "a word")
        at.append((start, start + len(word)))
        start += len(word) + 1
    return " ".join(given), at


def _joined(windows: Sequence[Span], found: Sequence[tuple[list[str], list[float]]]) -> tuple[list[str], list[float]]:
    """The tags of all words and their probabilities. Words that two windows share are divided between the two."""
    tags, scores = list[str](), list[float]()
    for (first, _), (here, likely) in zip(windows, found, strict=True):
        shared = len(tags) - first
        at = cut_between(tags[first:], here[:shared])
        tags[first + at :], scores[first + at :] = here[at:], likely[at:]
    return tags, scores


def _answer(given: Words, scores: Sequence[float], label: str, first: int, end: int) -> Answer:
    """The answer for the words [first, end)."""
    start, stop = given.at[first][0], given.at[end - 1][1]
    score = fmean(scores[first:end])
    return {"label": label, "text": given.text[start:stop], "start": start, "end": stop, "score": score}


KIND = TokenKind()
