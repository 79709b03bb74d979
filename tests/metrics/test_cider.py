"""CIDEr-D and ROUGE-L against coco-caption's definitions, written out with arrays and by recursion."""

from __future__ import annotations

from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.util import ngrams

from pefbench.metrics import cider, rouge_l, score
from pefbench.metrics._ngrams import words_alone
from tests.metrics.texts import CORPUS, ODD, ORDINARY, Corpus, check, draws_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Reference = Callable[[list[str], list[list[str]]], dict[str, float]]


def cider_by_arrays(corpus: Corpus) -> Reference:
    """Return CIDEr-D with the document frequencies of a corpus, with vectors over all of its n-grams."""

    def vector(text: str, n: int) -> np.ndarray[Any, Any]:
        found = list(ngrams(words_alone(text), n))
        frequency = np.array([found.count(gram) for gram in vocabulary[n]], dtype=np.float64)
        weights: np.ndarray[Any, Any] = frequency * np.log(len(corpus) / np.maximum(1, documents[n]))
        return weights

    every = [text for text, _ in corpus] + [text for _, right in corpus for text in right]
    vocabulary = {n: sorted({gram for text in every for gram in ngrams(words_alone(text), n)}) for n in range(1, 5)}
    documents = {
        n: np.array([sum(any(gram in ngrams(words_alone(t), n) for t in right) for _, right in corpus) for gram in v])
        for n, v in vocabulary.items()
    }

    def similarity(text: str, right: str, n: int) -> float:
        one, other = vector(text, n), vector(right, n)
        size = float(np.linalg.norm(one) * np.linalg.norm(other)) if len(one) else 0.0
        apart = max(0, len(words_alone(text)) - 1) - max(0, len(words_alone(right)) - 1)
        return float(np.exp(-(apart**2) / 72)) * float(np.minimum(one, other) @ other) / size if size else 0.0

    def mean(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        each = [
            fmean(10 * similarity(text, one, n) for one in right for n in range(1, 5))
            for text, right in zip(predictions, references, strict=True)
        ]
        return {"cider": fmean(each)}

    return mean


def rouge_l_by_recursion(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    @cache
    def common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
        if not one or not other:
            return 0
        if one[0] == other[0]:
            return 1 + common(one[1:], other[1:])
        return max(common(one[1:], other), common(one, other[1:]))

    values = []
    for text, right in zip(predictions, references, strict=True):
        mine = tuple(words_alone(text))
        pairs = [(common(mine, theirs), theirs) for theirs in (tuple(words_alone(each)) for each in right)]
        precision = max((shared / len(mine) for shared, _ in pairs if mine), default=0.0)
        recall = max((shared / len(theirs) for shared, theirs in pairs if theirs), default=0.0)
        values.append(2.44 * precision * recall / (recall + 1.44 * precision) if precision and recall else 0.0)
    return {"rouge_l": fmean(values)}


@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_follow_the_definitions(corpus: Corpus) -> None:
    draws = [0, 0, *range(len(corpus) - 2)]
    check(cider.METRIC(), corpus, cider_by_arrays(corpus), draws)
    check(rouge_l.METRIC(), corpus, rouge_l_by_recursion, draws)


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_corpus_and_resample_follow_the_definitions(corpus: Corpus, data: st.DataObject) -> None:
    draws = draws_of(data, corpus)
    check(cider.METRIC(), corpus, cider_by_arrays(corpus), draws)
    check(rouge_l.METRIC(), corpus, rouge_l_by_recursion, draws)


def test_values_are_those_that_coco_caption_prints() -> None:
    # pycocoevalcap 1.2's CiderScorer(n=4, sigma=6) and Rouge() on the same words, apart by spaces.
    predictions = ["a cat sat on the mat", "two dogs run", "the sky is blue today"]
    references = [
        ["a cat is on the mat", "the cat sat there"],
        ["two dogs are running in the park", "dogs run", "two big dogs run"],
        ["the sky is blue"],
    ]
    assert cider.METRIC().compute(predictions=predictions, references=references) == pytest.approx(
        {"cider": 4.603661250973567}, abs=1e-9
    )
    assert rouge_l.METRIC().compute(predictions=predictions, references=references) == pytest.approx(
        {"rouge_l": 0.9134655101197852}, abs=1e-9
    )


def test_marks_and_case_are_not_looked_at() -> None:
    corpus = (["The cat, sat!"], [["the cat sat"]])
    assert rouge_l.METRIC().compute(predictions=corpus[0], references=corpus[1])["rouge_l"] == 1
    two = (["The cat, sat!", "x"], [["the cat sat"], ["y"]])
    assert cider.METRIC().compute(predictions=two[0], references=two[1])["cider"] == pytest.approx(10 * 3 / 4 / 2)


def test_signatures_say_where_the_frequencies_are_from() -> None:
    references = [{"texts": right} for _, right in ORDINARY]
    texts = [text for text, _ in ORDINARY]
    assert "|script:coco-caption|" in score(rouge_l.METRIC(), texts, references)["rouge_l"]["signature"]
    assert "|idf:all-references|ci:" in score(cider.METRIC(), texts, references)["cider"]["signature"]
