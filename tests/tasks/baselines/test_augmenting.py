"""Baselines that augment training texts: repeated, or with words swapped or left out."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.heads.examples import GenerationExample
from pefbench.tasks.baselines.eda import RATE, eda
from pefbench.tasks.baselines.repeated import repeated

LONG = " ".join(f"w{i}" for i in range(40))


def example(label: str, text: str = "") -> GenerationExample:
    return GenerationExample(f"Write a {label} text.", text, facts={"asked": label})


TRAIN = [example("good", "g1 a"), example("bad", "b1 a"), example("good", "g2 a"), example("bad", "b2 a")]


def test_texts_of_the_class_come_in_turn() -> None:
    asked = [example(label) for label in ("good", "good", "bad", "good", "bad", "bad")]
    assert repeated(TRAIN, asked) == ["g1 a", "g2 a", "b1 a", "g1 a", "b2 a", "b1 a"]


def test_words_are_swapped_or_left_out_at_the_papers_rate() -> None:
    texts = [text.split() for text in eda([example("good", LONG)], [example("good")] * 400)]
    swapped = [words for words in texts if len(words) == 40]
    thinned = [words for words in texts if len(words) < 40]
    # Half of the texts are thinned; of 40 words all stay in 1.5 % of those.
    assert len(thinned) / 400 == pytest.approx(0.5, abs=0.1)
    assert sum(map(len, thinned)) / len(thinned) / 40 == pytest.approx(1 - RATE, abs=0.02)
    original = LONG.split()
    assert all(words == [word for word in original if word in words] for words in thinned)
    assert all(Counter(words) == Counter(original) for words in swapped)
    moved = [sum(a != b for a, b in zip(words, original, strict=True)) for words in swapped]
    assert max(moved) <= 2 * RATE * 40
    assert sum(moved) / len(moved) > RATE * 40


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcä日"), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=5))
def test_something_is_left_of_every_text(texts: list[str]) -> None:
    train = [example("x", text) for text in texts]
    found = eda(train, [example("x")] * 12)
    assert found == eda(train, [example("x")] * 12)
    for original, text in zip(texts * 12, found, strict=False):
        assert text
        assert Counter(text.split()) <= Counter(original.split())
