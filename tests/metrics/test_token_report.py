from __future__ import annotations

import json
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report, f1_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.token_report import METRIC
from pefbench.results.classification_report import render

Tags = list[list[str]]
Corpus = list[list[tuple[str, str]]]
TAG = st.sampled_from(["O", "O", "B-PER", "I-PER", "B-geo-loc", "I-geo-loc"])
CORPUS = st.lists(st.lists(st.tuples(TAG, TAG), max_size=6), min_size=1, max_size=5).filter(any)

GOLD = [["B-PER", "I-PER", "O", "O"], ["O", "B-LOC"]]
PREDICTED = [["B-PER", "O", "O", "O"], ["O", "B-PER"]]


def split(corpus: Corpus) -> tuple[Tags, Tags]:
    return [[pair[0] for pair in sentence] for sentence in corpus], [
        [pair[1] for pair in sentence] for sentence in corpus
    ]


def flat(tags: Tags) -> list[str]:
    return list(chain.from_iterable(tags))


def sklearn_values(predicted: Tags, gold: Tags) -> dict[str, float]:
    reference, prediction = flat(gold), flat(predicted)
    seen = sorted({*reference, *prediction})
    entity_labels = [label for label in seen if label != "O"]

    def f1(average: str, among: list[str]) -> float:
        return float(f1_score(reference, prediction, labels=among, average=average, zero_division=0))

    return {
        "token_accuracy": f1("micro", seen),
        "token_macro_f1": f1("macro", sorted({*reference})),
        "token_weighted_f1": f1("weighted", seen),
        "token_f1_without_O": f1("micro", entity_labels) if entity_labels else 0.0,
    }


def fs(predicted: Tags, gold: Tags, labels: list[str]) -> list[float]:
    """Return scikit-learn's F1 of each label."""
    return [*f1_score(flat(gold), flat(predicted), labels=labels, average=None, zero_division=0)]


def test_registry_finds_it() -> None:
    assert registry.find("metric", "token_report") is METRIC
    assert METRIC.headline in METRIC.higher_is_better


def test_values_by_hand() -> None:
    values = METRIC().compute(predictions=PREDICTED, references=GOLD)
    assert values == pytest.approx(
        {
            "token_accuracy": 4 / 6,
            "token_macro_f1": (0 + 2 / 3 + 0 + 6 / 7) / 4,  # B-LOC, B-PER, I-PER, O
            "token_weighted_f1": (2 / 3 + 3 * 6 / 7) / 6,
            "token_f1_without_O": 2 / 5,
        }
    )


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_counts_give_the_values_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), sklearn_values(predicted, gold)
    assert metric.compute(predictions=predicted, references=gold) == pytest.approx(expected, abs=1e-12)
    whole = metric.counts(predicted, gold).sum(axis=0)
    assert metric.from_counts(whole, whole) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_keep_the_labels_of_the_full_data(corpus: Corpus, data: st.DataObject) -> None:
    predicted, gold = split(corpus)
    full = [number for number, sentence in enumerate(corpus) if sentence]
    draws = [data.draw(st.sampled_from(full)) for _ in range(3)]
    drawn = [predicted[i] for i in draws], [gold[i] for i in draws]
    expected = sklearn_values(*drawn)
    by_label = dict(zip(labels := sorted({*flat(gold)}), fs(*drawn, labels), strict=True))
    on_all = dict(zip(labels, fs(predicted, gold, labels), strict=True))
    seen = {tag for tags in drawn for tag in flat(tags)}
    expected["token_macro_f1"] = float(np.mean([(by_label if each in seen else on_all)[each] for each in labels]))
    weights = np.bincount(draws, minlength=len(corpus)).astype(np.float64)
    values = METRIC().weighted(predicted, gold)(np.stack([weights, weights]))
    assert {name: value.shape for name, value in values.items()} == dict.fromkeys(expected, (2,))
    assert {name: float(value[1]) for name, value in values.items()} == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_report_is_that_of_scikit_learn(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    report = METRIC().report(predicted, gold)
    expected = classification_report(flat(gold), flat(predicted), output_dict=True, zero_division=0)
    accuracy = expected.pop("accuracy")
    labels = sorted({*flat(gold)})
    fixed = classification_report(flat(gold), flat(predicted), labels=labels, output_dict=True, zero_division=0)
    expected["macro avg"] = fixed["macro avg"] | {"support": len(flat(gold))}
    micro = report["averages"].pop("micro avg")
    assert micro == pytest.approx(
        {"precision": accuracy, "recall": accuracy, "f1-score": accuracy, "support": len(flat(gold))}
    )
    assert [*report["classes"]] == sorted({*flat(gold), *flat(predicted)})
    assert {**report["classes"], **report["averages"]} == {name: pytest.approx(row) for name, row in expected.items()}


def test_report_reads_as_the_classic_one() -> None:
    report = METRIC().report(PREDICTED, GOLD)
    json.dumps(report)
    assert (
        render(report, digits=3)
        == """\
              precision    recall  f1-score   support

       B-LOC      0.000     0.000     0.000         1
       B-PER      0.500     1.000     0.667         1
       I-PER      0.000     0.000     0.000         1
           O      0.750     1.000     0.857         3

   micro avg      0.667     0.667     0.667         6
   macro avg      0.312     0.500     0.381         6
weighted avg      0.458     0.667     0.540         6
"""
    )


def test_a_tagger_that_says_only_o_looks_good_but_is_not() -> None:
    gold = [["O"] * 19 + ["B-PER"]] * 20
    scores = score(METRIC(), [["O"] * 20] * 20, gold)
    assert scores["token_accuracy"]["value"] == 0.95
    assert scores["token_f1_without_O"]["value"] == 0
    assert scores["token_f1_without_O"]["high"] == pytest.approx(0.1611, abs=5e-5)  # none of twenty
    assert scores["token_f1_without_O"]["reliable"] is False


def test_a_label_that_is_only_predicted_has_no_part_in_the_mean() -> None:
    gold = [["O"] * 50 + ["B-PER"] * 50]
    value = METRIC().compute(predictions=[[*gold[0][:-1], "B-LOC"]], references=gold)["token_macro_f1"]
    assert value == pytest.approx(0.9949, abs=5e-5)


def test_given_labels_count_also_where_they_do_not_occur() -> None:
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    metric = METRIC(labels=labels)
    scores = score(metric, PREDICTED, GOLD)
    assert scores["token_macro_f1"]["value"] == pytest.approx((2 / 3 + 6 / 7) / 5)
    assert scores["token_accuracy"]["value"] == pytest.approx(4 / 6)
    assert "|labels:O,B-PER,I-PER,B-LOC,I-LOC|" in scores["token_macro_f1"]["signature"]
    assert [*metric.report(PREDICTED, GOLD)["classes"]] == labels
    with pytest.raises(ValueError, match=r"tags \['B-LOC'\] are not among the labels"):
        METRIC(labels=["O", "B-PER", "I-PER"]).counts(PREDICTED, GOLD)


def test_only_outside() -> None:
    scores = score(METRIC(), [["O"]], [["O"]])
    assert {name: entry["value"] for name, entry in scores.items()} == {
        "token_accuracy": 1.0,
        "token_macro_f1": 1.0,
        "token_weighted_f1": 1.0,
        "token_f1_without_O": 0.0,
    }


@pytest.mark.parametrize("name", ["counts", "report", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match="sentence 0 has 2 predicted tags for 1 references"):
        getattr(METRIC(), name)(predictions=[["O", "O"]], references=[["O"]])


def test_signature_names_library_and_labels() -> None:
    name, library, version, *rest = METRIC().signature().split("|")
    assert (name, library) == ("token_report", "lib:scikit-learn")
    assert rest == ["level:token", "labels:references", "absent-from-resample:as-on-all"]
    assert version.startswith("v:1.")
