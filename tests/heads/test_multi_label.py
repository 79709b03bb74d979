"""The multi-label head: independent labels, with thresholds chosen on validation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from pefbench.errors import DataError
from pefbench.heads.examples import LabelSetExample
from pefbench.heads.multi_label import MultiLabelDataset, MultiLabelHead, best_threshold
from pefbench.trial.batching import collate
from tests import tiny
from tests.heads.answering import answering
from tests.heads.test_sequence import ARCHITECTURES, KINDS, tokenizer

if TYPE_CHECKING:
    from pefbench.heads import LabelSet

LABELS = ["a", "b", "c"]
EXAMPLES = [LabelSetExample("w7 w8", ("a", "c")), LabelSetExample("w9", ()), LabelSetExample("w9 w9", ("b",))]
TARGETS = [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
LOGITS = torch.tensor([[2.0, -1.0, 0.1], [-3.0, -3.0, -3.0], [0.5, 4.0, -0.2]])


def batch() -> dict[str, Any]:
    return {"labels": torch.tensor(TARGETS), "attention_mask": torch.ones(3, 2)}


def test_targets_are_ones_for_the_labels_that_training_has() -> None:
    assert MultiLabelHead(LABELS).targets(EXAMPLES).tolist() == TARGETS
    assert MultiLabelHead(LABELS).targets([LabelSetExample("w7", ("new", "b"))]).tolist() == [[0, 1, 0]]


def test_the_loss_is_that_of_transformers() -> None:
    loss = MultiLabelHead(LABELS).loss_sum(answering(LOGITS), batch())
    expected = torch.nn.BCEWithLogitsLoss()(LOGITS, torch.tensor(TARGETS))
    assert float(loss) / 3 == pytest.approx(float(expected))
    assert loss.dtype == torch.float32


def test_balanced_labels_weigh_as_much_as_their_absence() -> None:
    head = MultiLabelHead(LABELS).balanced([*EXAMPLES, LabelSetExample("w7", ("a",))])
    weights = torch.tensor([1.0, 3.0, 3.0])
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=weights)(LOGITS, torch.tensor(TARGETS))
    assert float(head.loss_sum(answering(LOGITS), batch())) / 3 == pytest.approx(float(expected))
    everywhere = MultiLabelHead(LABELS).balanced([LabelSetExample("w7", ("a",))]).weights
    assert everywhere is not None
    assert everywhere.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("threshold", "labels"), [(0.5, [["a", "c"], [], ["a", "b"]]), (0.7, [["a"], [], ["b"]])])
def test_labels_are_given_from_the_threshold_on(threshold: float, labels: list[list[str]]) -> None:
    head = MultiLabelHead(LABELS, thresholds=threshold)
    answers = head.predict(answering(LOGITS), batch(), [None] * 3)
    assert [answer["labels"] for answer in answers] == labels
    assert [answer["scores"] for answer in answers] == [pytest.approx(row.tolist()) for row in LOGITS.sigmoid()]
    assert head.answers.decoding_signature == f"threshold:{threshold}"
    assert head.adjusted(answers, EXAMPLES) is head
    assert head.thresholds == {}


def test_thresholds_are_chosen_by_the_answers_to_validation() -> None:
    head = MultiLabelHead(LABELS, thresholds="per-label")
    scores = [[0.9, 0.1, 0.2], [0.8, 0.1, 0.1], [0.1, 0.2, 0.1]]
    answers: list[LabelSet] = [{"labels": [], "scores": row} for row in scores]
    examples = [LabelSetExample("x", labels) for labels in (("a", "c"), (), ("b",))]
    tuned = head.adjusted(answers, examples)
    assert tuned.thresholds == {"a": pytest.approx(0.85), "b": pytest.approx(0.15), "c": pytest.approx(0.15)}
    assert [each["labels"] for each in tuned.answers.judged(answers, examples)] == [["a", "c"], [], ["b"]]
    assert head.with_thresholds(dict(reversed([*tuned.thresholds.items()]))).thresholds == tuned.thresholds
    assert head.thresholds == dict.fromkeys(LABELS, 0.5), "the head before is as it was"


@pytest.mark.parametrize("thresholds", [{}, {"a": 0.5}, dict.fromkeys("abd", 0.5)])
def test_thresholds_of_other_labels_are_refused(thresholds: dict[str, float]) -> None:
    with pytest.raises(DataError, match="thresholds are for other labels than the data's"):
        MultiLabelHead(LABELS, thresholds="per-label").with_thresholds(thresholds)


SCORED = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]), st.booleans()), min_size=1, max_size=9
)


@given(SCORED)
def test_no_threshold_has_a_better_f1(scored: list[tuple[float, bool]]) -> None:
    scores, right = np.asarray([score for score, _ in scored]), np.asarray([has for _, has in scored])

    def f1(threshold: float) -> float:
        return float(f1_score(right, scores >= threshold, zero_division=0))

    found = best_threshold(scores, right)
    best = max(f1(threshold) for threshold in [*scores, 0.5])
    assert f1(found) == pytest.approx(best)
    assert 0 <= found <= 1
    if f1(0.5) == pytest.approx(best):
        assert found == 0.5


def test_rounding_may_turn_a_label_that_it_decides_and_no_other() -> None:
    answers = MultiLabelHead(["a", "b"]).answers
    one: LabelSet = {"labels": ["a"], "scores": [0.5001, 0.1]}
    assert answers.same(one, {"labels": [], "scores": [0.4999, 0.1]})
    assert not answers.same(one, {"labels": ["a", "b"], "scores": [0.5001, 0.1]})
    assert not answers.same(one, {"labels": ["a"], "scores": [0.51, 0.1]})
    assert answers.correct(one, {"labels": ["a"]})
    assert not answers.correct(one, {"labels": []})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_with_a_sequence_head_learns_it(architecture: str) -> None:
    words = tokenizer(KINDS.get(architecture), padded_by="</s>" if architecture in tiny.DECODERS else "<pad>")
    model = tiny.sequence_classifier(architecture, pad_token_id=words.pad_token_id)
    head = MultiLabelDataset({}, LABELS).head(model.config)
    encoded = head.encode(words, EXAMPLES, 32)
    loss = head.loss_sum(cast("torch.nn.Module", model), collate(encoded, range(3)))
    loss.backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())
    answers = head.predict(cast("torch.nn.Module", model), collate(encoded, range(3)), [None] * 3)
    assert [len(answer["scores"]) for answer in answers] == [3, 3, 3]


def test_the_config_says_what_kind_of_problem_it_is() -> None:
    assert MultiLabelHead(["x", "y"]).config() == {
        "id2label": {0: "x", 1: "y"},
        "label2id": {"x": 0, "y": 1},
        "problem_type": "multi_label_classification",
    }
