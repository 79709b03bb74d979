"""Retrieval by words, by meaning, and by both; each answer once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pefbench.apps.assistant.knowledge import Entry
from pefbench.apps.assistant.retrieval import FUSION, Index

if TYPE_CHECKING:
    from collections.abc import Sequence

MEANINGS = {"refund": 0, "money back": 0, "opening hours": 1, "when open": 1}


def embed(texts: Sequence[str]) -> np.ndarray:
    """Vectors by the meanings that a text names; the last dimension is of none."""
    rows = np.zeros((len(texts), 3), np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[next((place for words, place in MEANINGS.items() if words in text), 2)] = 1
    return rows


def entry(question: str, answer: str) -> Entry:
    return Entry(question, answer, "intent", "file:1", question)


INDEX = Index(
    [entry("how do I get a refund", "R"), entry("a refund please", "R"), entry("what are the opening hours", "O")],
    embed,
)


def test_meaning_finds_what_words_do_not() -> None:
    [[found, *_]] = INDEX.search(["I want my money back"], 3)
    assert (found.entry.answer, found.similarity, found.words) == ("R", 1.0, 0.0)


def test_words_find_what_meaning_does_not() -> None:
    [[found, *_]] = INDEX.search(["hours"], 3)
    assert found.entry.answer == "O"
    assert found.words > 0


def test_ranks_are_fused_and_answers_stand_once() -> None:
    [found] = INDEX.search(["opening refund hours of what"], 3)
    assert sorted(each.entry.answer for each in found) == ["O", "R"]
    by_answer = {each.entry.answer: each.fused for each in found}
    assert by_answer["O"] == pytest.approx(
        1 / (FUSION + 1)
    )  # first by words; by meaning it is none of the texts asked for
    first_by_meaning, third_by_words = 1 / (FUSION + 1), 1 / (FUSION + 3)  # the shorter refund question is second
    assert by_answer["R"] == pytest.approx(first_by_meaning + third_by_words)


def test_what_nothing_fits_finds_nothing() -> None:
    assert INDEX.search([], 3) == []
    [[*found]] = Index([entry("refund", "R")], embed).search(["zebra"], 3)
    assert found == []


def test_only_the_entries_are_embedded_by_what_is_stored() -> None:
    asked = list[str]()

    def stored(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        return embed(texts)

    index = Index([entry("refund", "R")], embed, stored)
    assert index.search(["a refund"], 1)
    assert asked == ["refund"]


def test_a_question_as_written_is_known_unless_answers_differ() -> None:
    index = Index([entry("Open?", "O"), entry("open", "O"), entry("Refund", "R"), entry("refund!", "S")], embed)
    assert index.written(" OPEN ") == index.entries[0]
    assert index.written("refund") is None
    assert index.written("zebra") is None
    signs = Index([entry("Is C# supported?", "sharp"), entry("What is 5-3?", "2")], embed)
    assert signs.written("is c# supported") == signs.entries[0]
    assert signs.written("Is C++ supported?") is None
    assert signs.written("What is 5+3?") is None
