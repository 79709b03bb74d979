from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import evaluate
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.entity_f1 import METRIC, EntityF1
from tests.metrics.intervals import ends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

Tags = list[list[str]]
TAG = st.sampled_from(["O", "O", "B-PER", "I-PER", "B-geo-loc", "I-geo-loc"])
SENTENCE = st.lists(st.tuples(TAG, TAG), max_size=6)
CORPUS = st.lists(SENTENCE, min_size=1, max_size=5)

GOLD = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"], ["O", "O"]]
PREDICTED = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "B-PER"], ["B-PER", "O"]]


def split(corpus: list[list[tuple[str, str]]]) -> tuple[Tags, Tags]:
    return [[pair[0] for pair in sentence] for sentence in corpus], [
        [pair[1] for pair in sentence] for sentence in corpus
    ]


def test_registry_finds_it() -> None:
    assert registry.find("metric", "entity_f1") is METRIC
    assert "_base" not in registry.names("metric")


def test_values_by_hand() -> None:
    values = METRIC().compute(predictions=PREDICTED, references=GOLD)
    assert values == {"entity_precision": 2 / 4, "entity_recall": 2 / 3, "entity_f1": pytest.approx(4 / 7)}
    assert {type(value) for value in values.values()} == {float}


@settings(max_examples=50, deadline=None)
@given(CORPUS)
def test_counts_give_the_values_of_seqeval(corpus: list[list[tuple[str, str]]]) -> None:
    predicted, gold = split(corpus)
    strict: dict[str, Any] = {"mode": "strict", "scheme": IOB2, "average": "micro", "zero_division": 0}
    expected = {
        "entity_precision": precision_score(gold, predicted, **strict),
        "entity_recall": recall_score(gold, predicted, **strict),
        "entity_f1": f1_score(gold, predicted, **strict),
    }
    metric = METRIC()
    assert metric.compute(predictions=predicted, references=gold) == pytest.approx(expected, abs=1e-12)
    assert metric.from_counts(metric.counts(predicted, gold).sum(axis=0)) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_are_the_value_of_the_resampled_corpus(
    corpus: list[list[tuple[str, str]]], data: st.DataObject
) -> None:
    predicted, gold = split(corpus)
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=6))
    metric = METRIC()
    sums = metric.counts(predicted, gold)[draws].sum(axis=0)
    both = np.stack([sums, np.zeros(3)])  # leading axes are kept
    expected = metric.compute(predictions=[predicted[i] for i in draws], references=[gold[i] for i in draws])
    for name, values in metric.from_counts(both).items():
        assert values.tolist() == pytest.approx([expected[name], 0.0], abs=1e-12)


def test_nothing_to_find_is_zero_without_a_warning() -> None:
    metric = METRIC()
    nothing = [["O", "O"], []]
    assert set(metric.compute(predictions=nothing, references=nothing).values()) == {0.0}
    report = metric.report(nothing, nothing)
    assert report["classes"] == {}
    assert report["averages"]["macro avg"] == {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0}
    assert metric.report(nothing, [["B-PER", "O"], []])["averages"]["micro avg"]["support"] == 1


def test_report_by_hand() -> None:
    report = METRIC().report(PREDICTED, GOLD)
    assert report["classes"] == {
        "LOC": {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 1},
        "ORG": {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0},
        "PER": {"precision": 2 / 3, "recall": 1.0, "f1-score": pytest.approx(0.8), "support": 2},
    }
    assert report["averages"] == {
        "micro avg": {"precision": 0.5, "recall": 2 / 3, "f1-score": pytest.approx(4 / 7), "support": 3},
        "macro avg": pytest.approx({"precision": 2 / 9, "recall": 1 / 3, "f1-score": 0.8 / 3, "support": 3}),
        "weighted avg": pytest.approx({"precision": 4 / 9, "recall": 2 / 3, "f1-score": 1.6 / 3, "support": 3}),
    }
    assert json.loads(json.dumps(report)).keys() == {"classes", "averages"}


@pytest.mark.parametrize("name", ["counts", "report", "compute"])
def test_lengths_must_agree(name: str) -> None:
    function = getattr(METRIC(), name)
    with pytest.raises(ValueError, match="sentence 1 has 1 predicted tags for 2 references"):
        function(predictions=[["O"], ["O"]], references=[["O"], ["O", "O"]])
    with pytest.raises(ValueError, match=r"number of predictions|predicted sentences"):
        function(predictions=[["O"]], references=[["O"], ["O"]])


def test_score_has_value_interval_and_signature() -> None:
    gold, predicted = GOLD * 30, PREDICTED * 30
    scores = score(METRIC(), predicted, gold, confidence=0.9)
    assert list(scores) == ["entity_precision", "entity_recall", "entity_f1"]
    f1 = scores["entity_f1"]
    assert f1["value"] == pytest.approx(4 / 7)
    low, high = ends(f1)
    assert 0.5 < low < f1["value"] < high < 0.65
    assert (f1["examples"], f1["higher_is_better"]) == (90, True)
    name, library, version, *rest = f1["signature"].split("|")
    assert (name, library, version[:2]) == ("entity_f1", "lib:seqeval", "v:")
    assert rest == ["mode:strict", "scheme:IOB2", "average:micro", "ci:wilson-effective-90"]
    assert json.loads(json.dumps(scores)) == scores


def test_score_needs_examples() -> None:
    with pytest.raises(ValueError, match="0 predictions for 0 references"):
        score(METRIC(), [], [])
    with pytest.raises(ValueError, match="1 predictions for 2 references"):
        score(METRIC(), [["O"]], [["O"], ["O"]])


class Miscounted(EntityF1):
    def counts(self, predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Array:
        counts = super().counts(predictions, references)
        counts[:, 0] += 1
        return counts


class Misnamed(EntityF1):
    def from_counts(self, sums: Array) -> dict[str, Array]:
        return {name.upper(): values for name, values in super().from_counts(sums).items()}


def test_counts_that_lead_elsewhere_are_our_mistake() -> None:
    with pytest.raises(AssertionError, match=r"entity_precision is 0\.5 by the library and 1\.25 on examples"):
        score(Miscounted(), PREDICTED, GOLD)
    with pytest.raises(AssertionError, match="names differ"):
        score(Misnamed(), PREDICTED, GOLD)


def test_it_is_a_metric_of_evaluate_without_network_files_or_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("neither network nor locks")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(evaluate.module, "FileLock", refuse)
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    first, second = METRIC(), METRIC()
    assert isinstance(first, evaluate.Metric)
    first.add_batch(predictions=PREDICTED[:2], references=GOLD[:2])
    second.add_batch(predictions=PREDICTED[2:], references=GOLD[2:])
    first.add(prediction=PREDICTED[2], reference=GOLD[2])
    assert first.compute()["entity_f1"] == pytest.approx(4 / 7)
    assert second.compute()["entity_f1"] == 0
    assert list(tmp_path.iterdir()) == []
