"""Texts that metrics must score correctly, and the comparison with a reference implementation on any resample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.metrics._base import Metric

Corpus = list[tuple[str, list[str]]]

WORD = st.sampled_from(["the", "The", "cat", "cats", "sat", "on", "a", "mat", ",", ".", "don't", "über", "日本", "3.5"])
TEXT = st.lists(WORD, max_size=9).map(" ".join) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
CORPUS = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=6)

ORDINARY: Corpus = [
    ("The cat sat on the mat.", ["The cat sat on a mat.", "On the mat sat the cat."]),
    ("There is a dog in the garden, I think.", ["I think that a dog is in the garden."]),
    ("It is raining and it is cold outside today", ["It rains, and today it is cold outside.", "Rain!", "It is cold"]),
]
ODD: dict[str, Corpus] = {
    "ordinary": ORDINARY,
    "right to the letter": [("the cat sat on the mat", ["the cat sat on the mat"])] * 2,
    "an empty prediction": [("", ["the cat sat on the mat"]), *ORDINARY],
    "only empty predictions": [("", ["the cat"]), (" ", ["a mat", "mats"])],
    "empty references": [("the cat", [""]), ("a mat on the cat", ["a mat on the cat", ""])],
    "all wrong": [("alpha beta gamma delta", ["one two three four"]), ("x", ["yy zz"])],
    "short ones": [("cat", ["cat"]), ("the cat", ["the cats"])],
    "ties": [("a b c", ["a b", "b c", "a b c d"]), ("a b", ["b a", "a c"])],
    "Unicode": [
        ("Ünïcode größer 日本語 …", ["ünïcode Größer 日本語 …"]),
        ("🙂 🙂", ["🙂"]),
        ("a\u00a0b\nc", ["a b c"]),
    ],
}


def check(
    metric: Metric,
    corpus: Sequence[tuple[Any, Any]],
    reference: Callable[[list[Any], list[Any]], dict[str, float]],
    draws: Sequence[int] = (),
) -> None:
    """Hold `compute` and all-ones weights against the reference on the corpus, and weights against it on a resample."""
    predictions, references = ([*side] for side in zip(*corpus, strict=True))
    expected = reference(predictions, references)
    close = pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert metric.compute(predictions=predictions, references=references) == close
    weighted = metric.weighted(predictions, references)
    ones = weighted(np.ones((1, len(corpus))))
    assert {name: float(value[0]) for name, value in ones.items()} == close
    if draws:
        weights = np.bincount(draws, minlength=len(corpus)).astype(np.float64)
        found = weighted(np.stack([np.ones(len(corpus)), weights]))
        drawn = reference([predictions[i] for i in draws], [references[i] for i in draws])
        assert {name: float(value[1]) for name, value in found.items()} == pytest.approx(drawn, rel=1e-9, abs=1e-9)
        assert {name: value.shape for name, value in found.items()} == dict.fromkeys(expected, (2,))


def draws_of(data: st.DataObject, corpus: Sequence[Any]) -> list[int]:
    """Draw a resample of a corpus, by the numbers of its examples."""
    return data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=len(corpus), max_size=len(corpus)))
