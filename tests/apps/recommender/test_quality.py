"""The metrics agree with scikit-learn's where it has them; intervals treat users as the sampling units."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from pefbench.apps.recommender import quality


def test_values_are_those_of_the_reference() -> None:
    draw = np.random.default_rng(1)
    scores = draw.normal(size=(50, 40))
    right = draw.integers(40, size=50)
    truth = np.eye(40)[right]
    ranks = (scores > scores[np.arange(50), right][:, None]).sum(1)
    found = quality.values(ranks).mean(0)
    assert found[1] == pytest.approx(ndcg_score(truth, scores, k=10))
    assert found[2] == pytest.approx(label_ranking_average_precision_score(truth, scores))
    assert found[0] == (ranks < 10).mean()


def test_an_interval_is_over_users() -> None:
    values = quality.values(np.array([0, 50] * 40))
    own = quality.intervals(values, [str(i) for i in range(80)], (0.0, 1.0))["hit_rate_at_10"]
    few = quality.intervals(np.repeat(values[:20], 4, axis=0), [str(i // 4) for i in range(80)], (0.0, 1.0))
    assert own["low"] is not None
    assert own["high"] is not None
    assert own["value"] == few["hit_rate_at_10"]["value"] == 0.5
    low = few["hit_rate_at_10"]["low"]
    assert low is not None
    assert own["value"] - own["low"] < 0.7 * (0.5 - low)


def test_a_difference_of_one_user_has_no_interval() -> None:
    assert quality.intervals(np.zeros((3, 3)), ["a"] * 3)["mrr"] == {"value": 0.0, "low": None, "high": None}


def test_coverage_and_popularity_are_of_what_is_shown() -> None:
    shown = [np.array([0, 1]), np.array([1, 2])]
    found = quality.measure(np.array([0, 1]), shown, ["a", "b"], np.array([4.0, 2.0, 0.0, 0.0]))
    assert (found["coverage"], found["popularity"]) == (0.75, 2.0)
