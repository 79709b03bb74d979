"""Evidence consists of counts that users can check, summed over the history."""

from __future__ import annotations

import numpy as np
import pytest

from pefbench.apps.recommender import evidence as evidence_module
from pefbench.apps.recommender.catalogue import Catalogue, Taken, borders, targets
from pefbench.apps.recommender.events import Event, Histories, Skips
from pefbench.apps.recommender.evidence import BY_HISTORY, FEATURES, SHRINKAGE, Evidence

USERS = {name: [Taken(float(i), item) for i, item in enumerate(taken)] for name, taken in
         {"a": [0, 1, 2], "b": [0, 1], "c": [1, 3], "d": [0]}.items()}  # fmt: skip
VECTORS = np.eye(5, 3, dtype=np.float32)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Evidence(USERS, VECTORS)


def test_people_are_counted(evidence: Evidence) -> None:
    assert evidence.people.tolist() == [3, 3, 1, 1, 0]
    assert [evidence.takers(item).tolist() for item in range(5)] == [[0, 1, 3], [0, 1, 2], [0], [2], []]
    features = evidence.features([], np.zeros((0, 3), np.float32))
    assert features[:, FEATURES.index("new")].tolist() == [0, 0, 0, 0, 1]
    assert np.allclose(features[:, 0], np.log1p([3, 3, 1, 1, 0]))
    assert not features[:, BY_HISTORY].any()


def test_who_took_an_item_long_ago_is_among_those_that_reasons_tell_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_module, "LONGEST", 2)
    found = Evidence(USERS, VECTORS)
    assert found.people.tolist() == [2, 3, 1, 1, 0]
    assert found.takers(0).tolist() == [0, 1, 3]


def test_features_by_history_are_the_sum_of_what_each_item_contributes(evidence: Evidence) -> None:
    history = [0, None, 2]
    vectors = np.stack([VECTORS[0], np.full(3, 3**-0.5, np.float32), VECTORS[2]])
    features = evidence.features(history, vectors)
    for item in range(5):
        parts = evidence.contributions(item, history, vectors)
        assert parts.shape == (3, 4)
        assert np.allclose(parts.sum(0), features[item, BY_HISTORY])
        assert not parts[1, :2].any()
    assert features[1, 2] == pytest.approx((2 / (3 + SHRINKAGE) + 1 / (3**0.5 + SHRINKAGE)) / 3)


def test_the_latest_weighs_most(evidence: Evidence) -> None:
    first, last = evidence.features([0, 3], VECTORS[[0, 3]]), evidence.features([3, 0], VECTORS[[3, 0]])
    assert first[0, 5] < last[0, 5]
    assert first[0, 4] == last[0, 4]


def test_targets_lie_in_their_period_behind_all_that_was_taken_before() -> None:
    events = [Event(float(i), "ab"[i % 2], "wxyz"[i // 2 % 4]) for i in range(10)]
    known = Catalogue.of(Histories(events, {name: name for name in "wxyz"}, Skips()))
    begin, end = borders(known.times, 0.2, 0.2)
    assert (begin, end) == (6.0, 8.0)
    assert [(each.user, each.history, each.item) for each in targets(known, begin, end, 5)] == [
        ("a", (0, 1, 2), 3), ("b", (0, 1, 2), 3),
    ]  # fmt: skip
    assert targets(known, end, 1e9, 5) == []  # w again is nothing new
    assert {user: len(taken) for user, taken in known.before(begin).items()} == {"a": 3, "b": 3}
    assert len(targets(known, 0, 1e9, 2)) == 4
