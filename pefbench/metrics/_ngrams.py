"""Words and n-grams of texts, shared by the metrics that count n-grams themselves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pefbench.metrics._tokenizers import tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.metrics._tokenizers import Tokenizer

    Gram = tuple[str, ...]

# The Penn Treebank's marks that coco-caption drops, as 13a writes them.
_MARKS = frozenset(["'", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";", '"', "(", ")", "{", "}"])


def words(text: str, tokenizer_name: Tokenizer = "13a") -> list[str]:
    """A text's words and marks in lower case, split by mteval-v13a's or another tokenizer."""
    return tokenizer(tokenizer_name)(text.rstrip()).lower().split()


def words_alone(text: str) -> list[str]:
    """A text's words in lower case without marks, almost as in coco-caption.

    coco-caption's tokeniser, Stanford's in Java, also splits "don't" into two words, which 13a does not.
    """
    return [word for word in words(text) if word not in _MARKS]


def grams(tokens: Sequence[str], length: int) -> Counter[Gram]:
    """How often each run of `length` words occurs."""
    return Counter(zip(*(tokens[i:] for i in range(length)), strict=False))
