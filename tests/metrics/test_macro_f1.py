from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report, f1_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.macro_f1 import METRIC
from pefbench.results.classification_report import render
from pefbench.stats.wilson import wilson
from tests.metrics.intervals import ends

LABEL = st.sampled_from(["sport", "world", "Ärger", "1", ""])
CORPUS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
Corpus = list[tuple[str, str]]

GOLD = ["a", "a", "b", "b", "b", "c"]
PREDICTED = ["a", "b", "b", "b", "a", "b"]


def split(corpus: Corpus) -> tuple[list[str], list[str]]:
    return [predicted for predicted, _ in corpus], [gold for _, gold in corpus]


def sklearn_value(predicted: list[str], gold: list[str]) -> float:
    """Return scikit-learn's value over the classes that the references have."""
    return float(f1_score(gold, predicted, labels=sorted({*gold}), average="macro", zero_division=0))


def on_resample(predicted: list[str], gold: list[str], draws: list[int]) -> float:
    """Return the mean of scikit-learn's F1 by class; a class that the resample has nothing of, as on all examples."""
    labels = sorted({*gold})
    drawn = [gold[i] for i in draws], [predicted[i] for i in draws]
    found = dict(zip(labels, f1_score(*drawn, labels=labels, average=None, zero_division=0), strict=True))
    on_all = dict(zip(labels, f1_score(gold, predicted, labels=labels, average=None, zero_division=0), strict=True))
    return float(np.mean([(found if label in {*drawn[0], *drawn[1]} else on_all)[label] for label in labels]))


def test_registry_finds_it() -> None:
    assert registry.find("metric", "macro_f1") is METRIC


def test_value_by_hand() -> None:
    values = METRIC().compute(predictions=PREDICTED, references=GOLD)
    assert values == {"macro_f1": pytest.approx((1 / 2 + 4 / 7 + 0) / 3)}
    assert type(values["macro_f1"]) is float


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_counts_give_the_value_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), {"macro_f1": sklearn_value(predicted, gold)}
    assert metric.compute(predictions=predicted, references=gold) == pytest.approx(expected, abs=1e-12)
    whole = metric.counts(predicted, gold).sum(axis=0)
    assert metric.from_counts(whole, whole) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_keep_to_the_classes_of_all_references(corpus: Corpus, data: st.DataObject) -> None:
    predicted, gold = split(corpus)
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    weights = np.bincount(draws, minlength=len(corpus)).astype(np.float64)
    values = METRIC().weighted(predicted, gold)(np.stack([weights, weights]))["macro_f1"]
    assert values.tolist() == pytest.approx([on_resample(predicted, gold, draws)] * 2, abs=1e-12)


def test_a_rare_class_that_is_never_found_is_missed_in_every_resample() -> None:
    found = score(METRIC(), ["a"] * 100, ["a"] * 99 + ["rare"])["macro_f1"]
    assert found["value"] == pytest.approx((198 / 199 + 0) / 2)
    _, high = ends(found)
    assert high < 0.51
    assert found["reliable"] is False  # one example decides it


def test_a_rare_class_that_is_always_found_costs_nothing() -> None:
    gold = ["a"] * 99 + ["rare"]
    found = score(METRIC(), gold, gold)["macro_f1"]
    assert (found["value"], found["high"]) == (1, 1)
    assert ends(found)[0] == pytest.approx(wilson(100, 100)[0])


def test_a_class_that_is_only_predicted_has_no_part_in_the_mean() -> None:
    gold = ["a"] * 50 + ["b"] * 50
    values = METRIC().compute(predictions=[*gold[:-1], "c"], references=gold)
    assert values["macro_f1"] == pytest.approx((1 + 98 / 99) / 2)
    assert values["macro_f1"] == pytest.approx(0.9949, abs=5e-5)  # with a third class, of F1 0, it would be .6633


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_report_is_that_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    report = METRIC().report(predicted, gold)
    expected = classification_report(gold, predicted, output_dict=True, zero_division=0)
    accuracy = expected.pop("accuracy")
    labels = sorted({*gold})
    fixed = classification_report(gold, predicted, labels=labels, output_dict=True, zero_division=0)
    expected["macro avg"] = fixed["macro avg"] | {"support": len(gold)}
    micro = {"precision": accuracy, "recall": accuracy, "f1-score": accuracy, "support": len(gold)}
    assert report["averages"].pop("micro avg") == pytest.approx(micro)
    assert [*report["classes"]] == sorted({*gold, *predicted})
    assert {**report["classes"], **report["averages"]} == {name: pytest.approx(row) for name, row in expected.items()}


def test_report_reads_as_the_classic_one() -> None:
    report = METRIC().report(PREDICTED, GOLD)
    json.dumps(report)
    assert (
        render(report, digits=3)
        == """\
              precision    recall  f1-score   support

           a      0.500     0.500     0.500         2
           b      0.500     0.667     0.571         3
           c      0.000     0.000     0.000         1

   micro avg      0.500     0.500     0.500         6
   macro avg      0.333     0.389     0.357         6
weighted avg      0.417     0.500     0.452         6
"""
    )


def test_signature_names_library_and_classes() -> None:
    name, library, version, *rest = METRIC().signature().split("|")
    assert (name, library, version[:2]) == ("macro_f1", "lib:scikit-learn", "v:")
    assert rest == ["average:macro", "labels:references", "absent-from-resample:as-on-all", "zero_division:0"]


def test_many_labels_and_few_examples_do_not_warn() -> None:
    labels = [str(number) for number in range(30)]
    assert METRIC().compute(predictions=labels, references=labels[::-1])["macro_f1"] == 0


@pytest.mark.parametrize("name", ["counts", "report", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(), name)(predictions=["a"], references=["a", "b"])
