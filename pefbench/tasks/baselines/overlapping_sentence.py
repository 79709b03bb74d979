"""Longest overlap: the sentence of a context that has most of the question's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import SpanExample

SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
WORD = re.compile(r"\w+")


def overlapping_sentence(train: Sequence[SpanExample], test: Sequence[SpanExample]) -> list[str]:  # noqa: ARG001
    """For each question the sentence or line with most of its distinct words, the first of equals.

    It learns nothing from `train`, and always answers.
    """
    return [_best(example.question, example.context) for example in test]


def _best(question: str, context: str) -> str:
    wanted = _words(question)
    sentences = [sentence.strip() for sentence in SENTENCE.split(context)]
    return max(sentences, key=lambda sentence: len(wanted & _words(sentence)))


def _words(text: str) -> set[str]:
    return set(WORD.findall(text.casefold()))


BASELINE = overlapping_sentence
