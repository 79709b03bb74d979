"""Words are cleaned one by one, even if the sentence looks clean."""

from __future__ import annotations

import pytest

from pefbench.sources.rows import Row
from pefbench.tasks.reading import tagged


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (["Hi", "there"], ["Hi", "there"]),
        (["Hi", "there "], ["Hi", "there"]),
        ([" Hi", "there"], ["Hi", "there"]),
        (["Hi\n"], ["Hi"]),
        (["Hi", "\u200bthere"], ["Hi", "there"]),
    ],
)
def test_a_words_white_space_is_no_part_of_it(written: list[str], words: list[str]) -> None:
    row = Row({"tokens": written, "tags": ["O"] * len(written)}, "x", 1)
    assert tagged.tokens_and_tags(row)[0] == words
