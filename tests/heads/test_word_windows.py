"""Windows of words cover a text, fit, and overlap; they are joined outside entities."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.heads._word_windows import cut_between, word_windows


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 12))
def test_windows_cover_all_words_and_fit(lengths: list[int], room: int) -> None:
    windows = word_windows(lengths, room)
    assert sorted({word for first, end in windows for word in range(first, end)}) == list(range(len(lengths)))
    for (first, end), (after, _) in pairwise(windows):
        assert first < after <= end
    for first, end in windows:
        assert sum(lengths[first:end]) <= room or end == first + 1
    for (first, _), (_, end) in pairwise(windows):
        assert sum(lengths[first:end]) > room  # else one window would do


def test_windows_of_even_words_overlap_by_a_third() -> None:
    assert word_windows([1] * 20, 9) == [(0, 9), (6, 15), (12, 20)]
    assert word_windows([1] * 9, 9) == [(0, 9)]
    assert word_windows([], 9) == []


@pytest.mark.parametrize(
    ("first", "second", "at"),
    [
        (["O"] * 4, ["O"] * 4, 2),
        (["O", "B-X", "I-X", "O"], ["O", "B-X", "I-X", "O"], 1),
        (["O", "B-X", "O", "O"], ["O", "B-X", "I-X", "I-X"], 1),
        (["I-X"] * 3, ["I-X"] * 3, 1),
        (["O"], ["O"], 0),
        ([], [], 0),
    ],
)
def test_windows_are_joined_outside_of_entities(first: list[str], second: list[str], at: int) -> None:
    assert cut_between(first, second) == at
