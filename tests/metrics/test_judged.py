"""Metrics of a judge's ratings of generated texts, against scikit-learn's accuracy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from pefbench.metrics import attribute_accuracy, augmentation_gain, score
from pefbench.stats.wilson import wilson
from tests.metrics.intervals import ends
from tests.metrics.texts import check, draws_of

LABEL = st.sampled_from(["good", "bad", "größer"])
JUDGED = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
PAIRED = st.lists(st.tuples(st.tuples(LABEL, LABEL).map(list), LABEL), min_size=1, max_size=12)


def accuracy(predictions: list[str], references: list[str]) -> dict[str, float]:
    return {"attribute_accuracy": float(accuracy_score(references, predictions))}


def gain(predictions: list[list[str]], references: list[str]) -> dict[str, float]:
    plain, augmented = (float(accuracy_score(references, list(each))) for each in zip(*predictions, strict=True))
    return {"augmentation_gain": augmented - plain, "accuracy_augmented": augmented, "accuracy_plain": plain}


@settings(max_examples=40, deadline=None)
@given(JUDGED, st.data())
def test_attribute_accuracy_is_scikit_learns(corpus: list[Any], data: st.DataObject) -> None:
    check(attribute_accuracy.METRIC(), corpus, accuracy, draws_of(data, corpus))


@settings(max_examples=40, deadline=None)
@given(PAIRED, st.data())
def test_the_gain_is_the_difference_of_scikit_learns_accuracies(corpus: list[Any], data: st.DataObject) -> None:
    check(augmentation_gain.METRIC(), corpus, gain, draws_of(data, corpus))


def test_the_gains_interval_is_over_real_texts_and_paired() -> None:
    answers = [{"text": "x", "plain": "a", "augmented": "b"}] * 10 + [
        {"text": "y", "plain": "a", "augmented": "a"}
    ] * 90
    references = [{"texts": ["z"], "label": "b", "held": "t"}] * 10 + [{"texts": ["z"], "label": "a", "held": "t"}] * 90
    found = score(augmentation_gain.METRIC(), answers, references, decoding_signature="search:drawn|downstream:x")
    value = found["augmentation_gain"]
    assert value["value"] == pytest.approx(0.1)
    # one in ten is won and none lost: the standard error is 0.03, that of unpaired accuracies were larger
    low, high = ends(value)
    assert low == pytest.approx(0.1 - 1.984 * 0.03015, abs=0.002)
    assert high == pytest.approx(0.1 + 1.984 * 0.03015, abs=0.002)
    assert found["accuracy_augmented"]["value"] == 1
    assert ends(found["accuracy_augmented"]) == pytest.approx(wilson(100, 100))
    assert "|of:accuracy|paired:yes|search:drawn|downstream:x|ci:" in value["signature"]


def test_answers_that_nobody_judged_are_not_scored() -> None:
    for metric, judged in (
        (attribute_accuracy.METRIC(), {"text": "a", "attribute": "good"}),
        (augmentation_gain.METRIC(), {"text": "a", "plain": "x", "augmented": "y"}),
    ):
        assert metric.reads(judged)
        assert not metric.reads("a")
        assert not metric.reads({"text": "a", "nll": 1.0})


def test_references_without_the_fact_are_refused() -> None:
    told = "it needs '{}' of every example, and example 0 has none"
    assert attribute_accuracy.METRIC().refusal([{"texts": ["a"]}]) == told.format("attribute")
    assert augmentation_gain.METRIC().refusal([{"texts": ["a"]}]) == told.format("label")
    assert attribute_accuracy.METRIC().refusal([{"texts": ["a"], "attribute": "x"}]) is None
