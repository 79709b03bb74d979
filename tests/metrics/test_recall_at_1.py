from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.recall_at_1 import METRIC
from tests.metrics.choosing import choices
from tests.metrics.intervals import ends

EXAMPLE = st.lists(st.integers(0, 3), min_size=2, max_size=5).flatmap(
    lambda scores: st.tuples(st.just(scores), st.integers(0, len(scores) - 1))
)
Corpus = list[tuple[list[int], int]]


def by_every_order(scores: list[int], right: int) -> tuple[float, float]:
    """Return recall@1 and reciprocal rank, averaged over all orders of the candidates that fit the scores."""
    orders = [o for o in permutations(range(len(scores))) if [scores[i] for i in o] == sorted(scores, reverse=True)]
    ranks = np.asarray([order.index(right) + 1 for order in orders])
    return float((ranks == 1).mean()), float((1 / ranks).mean())


def test_registry_finds_it() -> None:
    assert registry.find("metric", "recall_at_1") is METRIC
    assert not {"_ranks", "_numbers"} & {*registry.names("metric")}


def test_values_by_hand() -> None:
    predictions = choices([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0, 0.0], [-1.0, -2.0]])
    values = METRIC().compute(predictions=predictions, references=[1, 2, 1])
    assert values == {"recall_at_1": pytest.approx(1 / 3), "mrr": pytest.approx((1 + 1 / 3 + 1 / 2) / 3)}
    assert {type(value) for value in values.values()} == {float}


@settings(max_examples=25, deadline=None)
@given(st.lists(EXAMPLE, min_size=1, max_size=4))
def test_ties_count_by_the_mean_over_their_orders(corpus: Corpus) -> None:
    predictions, references = choices([scores for scores, _ in corpus]), [right for _, right in corpus]
    recall, mrr = np.mean([by_every_order(*example) for example in corpus], axis=0).tolist()
    metric, expected = METRIC(), pytest.approx({"recall_at_1": recall, "mrr": mrr}, abs=1e-12)
    assert metric.compute(predictions=predictions, references=references) == expected
    assert metric.from_counts(metric.counts(predictions, references).sum(axis=0)) == expected


def test_without_ties_mrr_is_scikit_learns_average_precision_of_one_right_label() -> None:
    generator = np.random.default_rng(0)
    scores, right = generator.normal(size=(50, 10)), generator.integers(10, size=50)
    expected = label_ranking_average_precision_score(np.eye(10)[right], scores)
    values = METRIC().compute(predictions=choices(scores.tolist()), references=right.tolist())
    assert values["mrr"] == pytest.approx(expected)


def test_constant_scores_are_worth_a_guess_wherever_the_right_one_stands() -> None:
    for right in (0, 9):
        values = METRIC().compute(predictions=choices([[0.5] * 10]), references=[right])
        assert values == {"recall_at_1": pytest.approx(0.1), "mrr": pytest.approx((1 / np.arange(1, 11)).mean())}


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), choices([[1.0, 0.0], [0.0, 1.0]] * 50), [0] * 100)
    found = scores["recall_at_1"]
    low, high = ends(found)
    assert 0.35 < low < found["value"] == 0.5 < high < 0.65
    assert scores["mrr"]["value"] == 0.75
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2]) == ("recall_at_1", "lib:scikit-learn", "v:")
    assert rest[:2] == ["average:examples", "ties:expected"]
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
@pytest.mark.parametrize(
    ("scores", "right", "message"),
    [
        ([1.0], 0, "choice 1: the right candidate is number 0 of 1"),
        ([1.0, 2.0], 2, "choice 1: the right candidate is number 2 of 2"),
        ([1.0, 2.0], -1, "choice 1: the right candidate is number -1 of 2"),
        ([1.0, float("nan")], 0, "choice 1: not all scores are finite"),
        ([float("-inf"), 1.0], 0, "choice 1: not all scores are finite"),
    ],
)
def test_what_cannot_be_ranked_is_named(name: str, scores: list[float], right: int, message: str) -> None:
    predictions = [*choices([[0.0, 1.0]]), {"choice": 0, "scores": scores}]
    with pytest.raises(ValueError, match=message):
        getattr(METRIC(), name)(predictions=predictions, references=[0, right])


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(), name)(predictions=choices([[0.0, 1.0]]), references=[0, 1])
