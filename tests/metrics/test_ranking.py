from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.ranking import METRIC
from tests.metrics.choosing import choices
from tests.metrics.intervals import ends

EXAMPLE = st.lists(st.integers(0, 6), min_size=2, max_size=25).flatmap(
    lambda scores: st.tuples(st.just(scores), st.integers(0, len(scores) - 1))
)
Corpus = list[tuple[list[int], int]]


def split(corpus: Corpus) -> tuple[list[dict[str, Any]], list[int]]:
    return choices([scores for scores, _ in corpus]), [right for _, right in corpus]


def sklearn_values(corpus: Corpus) -> dict[str, float]:
    """Return AUC and NDCG@10 of each example by itself, averaged."""
    auc, ndcg = [], []
    for scores, right in corpus:
        relevance = [int(i == right) for i in range(len(scores))]
        auc.append(roc_auc_score(relevance, scores))
        ndcg.append(ndcg_score([relevance], [scores], k=10))
    return {"auc": float(np.mean(auc)), "ndcg_at_10": float(np.mean(ndcg))}


def test_registry_finds_it() -> None:
    assert registry.find("metric", "ranking") is METRIC


def test_values_by_hand() -> None:
    second, twelfth = [5.0, 9.0, *range(4)], [float(-i) for i in range(20)]
    values = METRIC().compute(predictions=choices([second, twelfth]), references=[0, 11])
    assert values == {
        "auc": pytest.approx((4 / 5 + 8 / 19) / 2),
        "ndcg_at_10": pytest.approx((1 / np.log2(3) + 0) / 2),
        "hit_rate_at_10": 0.5,
    }
    assert {type(value) for value in values.values()} == {float}


@settings(max_examples=25, deadline=None)
@given(st.lists(EXAMPLE, min_size=1, max_size=4))
def test_values_are_those_of_scikit_learn_example_by_example(corpus: Corpus) -> None:
    metric, expected = METRIC(), sklearn_values(corpus)
    predictions, references = split(corpus)
    values = metric.compute(predictions=predictions, references=references)
    from_counts = metric.from_counts(metric.counts(predictions, references).sum(axis=0))
    for found in (values, from_counts):
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert from_counts["hit_rate_at_10"] == pytest.approx(values["hit_rate_at_10"], abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(EXAMPLE, min_size=1, max_size=4), st.data())
def test_resampled_counts_are_the_values_of_the_resampled_corpus(corpus: Corpus, data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=6))
    metric = METRIC()
    sums = metric.counts(*split(corpus))[draws].sum(axis=0)
    values = metric.from_counts(np.stack([sums, sums]).reshape(2, 1, -1))
    expected = sklearn_values([corpus[i] for i in draws])
    assert {values[name].shape for name in values} == {(2, 1)}
    assert {name: float(values[name][1, 0]) for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("above", "tied", "below", "hit"),
    [(0, 0, 30, 1), (9, 0, 5, 1), (10, 0, 5, 0), (9, 1, 5, 1 / 2), (8, 3, 5, 2 / 4), (0, 19, 0, 10 / 20), (2, 3, 0, 1)],
)
def test_hit_rate_is_the_chance_that_a_random_order_of_ties_has_it_in_the_first_ten(
    above: int, tied: int, below: int, hit: float
) -> None:
    scores = [1.0, *[2.0] * above, *[1.0] * tied, *[0.0] * below]
    assert METRIC().compute(predictions=choices([scores]), references=[0])["hit_rate_at_10"] == pytest.approx(hit)


def test_constant_scores_are_worth_a_guess_wherever_the_right_one_stands() -> None:
    gain = (1 / np.log2(np.arange(2, 12))).sum()
    for right in (0, 99):
        values = METRIC().compute(predictions=choices([[0.0] * 100]), references=[right])
        assert values == pytest.approx({"auc": 0.5, "ndcg_at_10": gain / 100, "hit_rate_at_10": 0.1})


def test_best_and_worst_of_all() -> None:
    best = METRIC().compute(predictions=choices([[1.0, *[0.0] * 20]]), references=[0])
    worst = METRIC().compute(predictions=choices([[-1.0, *[0.0] * 20]]), references=[0])
    assert set(best.values()) == {1.0}
    assert set(worst.values()) == {0.0}


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), choices([[1.0, 0.0, 2.0], [3.0, 1.0, 1.0]] * 50), [0] * 100)
    found = scores["auc"]
    low, high = ends(found)
    assert 0.65 < low < found["value"] == 0.75 < high < 0.85
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2]) == ("ranking", "lib:scikit-learn", "v:")
    assert rest[:2] == ["average:examples", "ties:expected"]
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_a_score_that_is_no_number_is_refused_and_not_ranked_first(name: str) -> None:
    with pytest.raises(ValueError, match="choice 0: not all scores are finite"):
        getattr(METRIC(), name)(predictions=[{"choice": 0, "scores": [float("nan"), 1.0]}], references=[0])


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(), name)(predictions=choices([[0.0, 1.0]]), references=[0, 1])
