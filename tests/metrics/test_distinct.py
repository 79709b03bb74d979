"""Distinct-n against nltk's n-grams of the corpus, written out, on any resample."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.util import ngrams
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from pefbench.metrics import score
from pefbench.metrics.distinct import METRIC
from tests.metrics.texts import CORPUS, ODD, Corpus, check, draws_of


def by_sets(predictions: list[str], references: list[list[str]]) -> dict[str, float]:  # noqa: ARG001
    tokens = [Tokenizer13a()(text).lower().split() for text in predictions]
    found = {}
    for length in (1, 2):
        every = [gram for each in tokens for gram in ngrams(each, length)]
        found[f"distinct_{length}"] = len(set(every)) / len(every) if every else 0.0
    return found


@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_are_ratios_of_n_grams(corpus: Corpus) -> None:
    check(METRIC(), corpus, by_sets, draws=[0, 0, *range(len(corpus) - 2)])


@settings(max_examples=40, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_resample_are_those_of_its_texts(corpus: Corpus, data: st.DataObject) -> None:
    check(METRIC(), corpus, by_sets, draws_of(data, corpus))


def test_marks_are_words_and_case_is_not_looked_at() -> None:
    values = METRIC().compute(predictions=["A cat. a cat."], references=[["x"]])
    assert values == {"distinct_1": 3 / 6, "distinct_2": 3 / 5}  # a, cat, . and a cat, cat ., . a


def test_there_is_no_interval_as_a_resample_is_less_varied() -> None:
    texts = [f"w{i} x{i} y{i}" for i in range(30)]
    found = score(METRIC(), texts, [{"texts": ["x"]}] * 30)["distinct_2"]
    assert (found["value"], found["low"], found["high"]) == (1, None, None)
    assert found["signature"].endswith("|ci:none")
    weights = np.eye(30)[:1] * 30
    assert METRIC().weighted(texts, [["x"]] * 30)(weights)["distinct_1"].tolist() == [3 / 90]


def test_a_thousand_texts_are_resampled_in_no_time() -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in draw.zipf(1.5, 20).clip(max=5000)) for _ in range(1000)]
    started = time.perf_counter()
    score(METRIC(), texts, [{"texts": ["x"]}] * 1000)
    assert time.perf_counter() - started < 30
