from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report, f1_score

from pefbench.metrics import make, score
from pefbench.metrics.multi_label_f1 import METRIC
from tests.metrics.label_sets import CORPUS, Corpus, Sets, multi_hot, split

GOLD = [["a", "b"], ["a"], [], ["c"]]
PREDICTED = [["a"], ["a", "b"], [], []]


def sklearn_values(predicted: Sets, gold: Sets, among: list[str] | None = None) -> dict[str, float]:
    labels = sorted({label for labels in (*predicted, *gold) for label in labels})
    right, given = multi_hot(gold, labels), multi_hot(predicted, labels)
    there = [labels.index(label) for label in among or sorted({label for labels in gold for label in labels})]
    return {
        "multi_label_macro_f1": float(f1_score(right, given, labels=there, average="macro", zero_division=0))
        if there
        else 0.0,
        "multi_label_micro_f1": float(f1_score(right, given, average="micro", zero_division=0)),
        "multi_label_samples_f1": float(f1_score(right, given, average="samples", zero_division=0)),
    }


def test_values_by_hand() -> None:
    assert METRIC().compute(predictions=PREDICTED, references=GOLD) == {
        "multi_label_macro_f1": pytest.approx((1 + 0 + 0) / 3),
        "multi_label_micro_f1": pytest.approx(2 * 2 / (3 + 4)),
        "multi_label_samples_f1": pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4),
    }


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_counts_give_the_values_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), sklearn_values(*split(corpus))
    assert metric.compute(predictions=predicted, references=gold) == pytest.approx(expected, abs=1e-12)
    whole = metric.counts(predicted, gold).sum(axis=0)
    assert metric.from_counts(whole, whole) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(CORPUS, st.data())
def test_micro_and_samples_of_a_resample_are_those_of_scikit_learn(corpus: Corpus, data: st.DataObject) -> None:
    predicted, gold = split(corpus)
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    weights = np.bincount(draws, minlength=len(corpus)).astype(np.float64)[None]
    values = METRIC().weighted(predicted, gold)(weights)
    expected = sklearn_values([predicted[i] for i in draws], [gold[i] for i in draws])
    for name in ("multi_label_micro_f1", "multi_label_samples_f1"):
        assert float(values[name][0]) == pytest.approx(expected[name], abs=1e-12)


def test_a_label_that_is_only_predicted_has_no_part_in_the_macro_average() -> None:
    values = METRIC().compute(predictions=[["a", "z"], ["a"]], references=[["a"], ["a"]])
    assert values["multi_label_macro_f1"] == 1
    assert values["multi_label_micro_f1"] == pytest.approx(4 / 5)


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_the_report_is_that_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    labels = sorted({label for labels in (*predicted, *gold) for label in labels})
    report = METRIC().report(predicted, gold)
    assert [*report["classes"]] == labels
    expected = classification_report(
        multi_hot(gold, labels), multi_hot(predicted, labels), output_dict=True, zero_division=0
    )
    for place, label in enumerate(labels):
        assert report["classes"][label] == pytest.approx(expected[str(place)])
    for average in ("micro avg", "samples avg"):
        assert report["averages"][average] == pytest.approx(expected[average])
    assert report["averages"]["macro avg"]["f1-score"] == pytest.approx(
        sklearn_values(predicted, gold)["multi_label_macro_f1"]
    )


def test_answers_of_the_head_are_scored_with_their_intervals() -> None:
    answers = [{"labels": labels, "scores": [0.1, 0.2]} for labels in PREDICTED]
    found = score(METRIC(), answers, [{"labels": labels} for labels in GOLD], decoding_signature="threshold:0.5")
    assert found["multi_label_micro_f1"]["value"] == pytest.approx(4 / 7)
    assert "zero_division:0|threshold:0.5|ci:" in found["multi_label_micro_f1"]["signature"]


@pytest.mark.parametrize("name", ["entity_f1", "token_report", "macro_f1", "accuracy"])
def test_metrics_of_other_answers_are_refused_before_training(name: str) -> None:
    why = make(name).refusal([{"labels": ["a"]}])
    assert why is not None
    assert why.endswith("and the task's answers are sets of labels")


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="1 predictions for 2 references"):
        METRIC().counts([["a"]], [["a"], ["b"]])
