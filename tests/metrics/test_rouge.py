"""ROUGE against rouge_score, with Google's own aggregation of one right text's scores written out."""

from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from pefbench.metrics import score
from pefbench.metrics.rouge import METRIC
from tests.metrics.texts import CORPUS, ODD, ORDINARY, Corpus, check, draws_of

NAMES = ["rouge1", "rouge2", "rougeLsum"]


def by_the_library(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    """Return the means of the best F-measure of each example, from scores of one pair at a time."""
    scorer = RougeScorer(NAMES, use_stemmer=True)
    return {
        name: fmean(
            max(scorer.score(target, text)[name].fmeasure for target in right)
            for text, right in zip(predictions, references, strict=True)
        )
        for name in NAMES
    }


@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_are_the_librarys(corpus: Corpus) -> None:
    check(METRIC(), corpus, by_the_library, draws=[0, 0, *range(len(corpus) - 2)])


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_corpus_and_resample_are_the_librarys(corpus: Corpus, data: st.DataObject) -> None:
    check(METRIC(), corpus, by_the_library, draws_of(data, corpus))


def test_stems_count_and_lines_are_sentences() -> None:
    values = METRIC().compute(predictions=["cats walked\nthe dogs"], references=[["the dog\ncat walks"]])
    assert values["rouge1"] == 1
    assert values["rougeLsum"] == 1
    one_line = METRIC().compute(predictions=["cats walked the dogs"], references=[["the dog cat walks"]])
    assert one_line["rougeLsum"] == 0.5


def test_the_signature_says_what_was_done() -> None:
    references = [{"texts": right} for _, right in ORDINARY]
    found = score(METRIC(), [text for text, _ in ORDINARY], references, resamples=10)
    assert METRIC.headline in found
    assert "|stemmer:porter|measure:f|sentences:lines|references:best|ci:" in found["rougeLsum"]["signature"]
