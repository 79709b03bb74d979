from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import accuracy_score

from pefbench.metrics import score
from pefbench.metrics.subset_accuracy import METRIC
from tests.metrics.label_sets import CORPUS, Corpus, multi_hot, split


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_counts_give_the_value_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    labels = sorted({label for labels in (*predicted, *gold) for label in labels})
    expected = accuracy_score(multi_hot(gold, labels), multi_hot(predicted, labels))
    assert METRIC().compute(predictions=predicted, references=gold) == {"subset_accuracy": pytest.approx(expected)}
    sums = METRIC().counts(predicted, gold).sum(axis=0)
    assert METRIC().from_counts(sums) == {"subset_accuracy": pytest.approx(expected)}


def test_no_label_is_right_where_there_is_none_and_order_says_nothing() -> None:
    found = score(METRIC(), [{"labels": []}, {"labels": ["b", "a"]}], [{"labels": []}, {"labels": ["a", "b"]}])
    assert found["subset_accuracy"]["value"] == 1
    assert "wilson" in found["subset_accuracy"]["signature"]


def test_tags_are_no_sets() -> None:
    assert METRIC().refusal([["O"]]) == "it scores sets of labels, and the task's answers are lists of texts"
    assert METRIC().refusal(["a"]) == "it scores sets of labels, and the task's answers are texts"
    assert METRIC().refusal([{"labels": []}]) is None
    assert np.isfinite(METRIC().counts([[]], [[]])).all()
