"""Texts as words and runs of words: what the metrics share that count n-grams themselves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pefbench.metrics._tokenizers import tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.metrics._tokenizers import Tokenizer

    Gram = tuple[str, ...]

# What coco-caption drops of the Penn Treebank's marks, as 13a writes them.
_MARKS = frozenset(["'", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";", '"', "(", ")", "{", "}"])


def words(text: str, tokenizer_name: Tokenizer = "13a") -> list[str]:
    """A text's words and marks in lower case, apart as mteval-v13a has them, or another tokenizer."""
    return tokenizer(tokenizer_name)(text.rstrip()).lower().split()


def words_alone(text: str) -> list[str]:
    """A text's words in lower case without the marks between them, nearly as coco-caption has them.

    Its tokeniser, Stanford's in Java, also cuts "don't" in two, which 13a does not.
    """
    return [word for word in words(text) if word not in _MARKS]


def grams(tokens: Sequence[str], length: int) -> Counter[Gram]:
    """How often each run of `length` words occurs."""
    return Counter(zip(*(tokens[i:] for i in range(length)), strict=False))
