"""Stored weights are reused only for the inputs that they were computed from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pefbench.apps.recommender import kept
from pefbench.apps.recommender.catalogue import Taken, Target
from pefbench.apps.recommender.evidence import FEATURES
from pefbench.apps.recommender.measuring import OURS, report
from pefbench.apps.recommender.ranking import Weights
from pefbench.apps.recommender.telling import lines
from pefbench.errors import DataError

MODELS = {"choice": Path("results/abc")}
WEIGHTS = Weights(np.arange(float(len(FEATURES))), np.array([1.0, 0.5]), 20)
TARGETS = [Target(str(i), (0,), 1) for i in range(20)]
PEOPLE = np.array([3.0, 0.0, 1.0, 2.0])
KNOWN = {"0": [Taken(1.0, 0)], "1": [Taken(2.0, 2)]}
ORDERS = {OURS: [(0, np.array([1, 2]))] * 20, "popularity": [(12, np.array([2, 3]))] * 20}


def test_weights_come_back_with_what_was_measured(tmp_path: Path) -> None:
    measured = report(ORDERS, TARGETS, PEOPLE, KNOWN)
    kept.write(tmp_path / "weights.json", WEIGHTS, measured, MODELS)
    found, told = kept.read(tmp_path / "weights.json", MODELS, 20)
    assert found.first.tolist() == WEIGHTS.first.tolist()
    assert kept.read(tmp_path / "weights.json", MODELS, None)[0].reranked == 20
    assert told == measured
    with pytest.raises(DataError, match="chosen with another model; run pefbench app recommender train"):
        kept.read(tmp_path / "weights.json", {"choice": Path("results/other")}, 20)
    with pytest.raises(DataError, match="chosen and measured with reranked: 20; run pefbench app recommender train"):
        kept.read(tmp_path / "weights.json", MODELS, 4)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"first": ["a"]}'])
def test_a_damaged_file_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "weights.json"
    with pytest.raises(DataError, match="no weights yet"):
        kept.read(file, MODELS, 20)
    file.write_text(text, encoding="utf8")
    with pytest.raises(DataError, match="damaged; delete it and run"):
        kept.read(file, MODELS, 20)


def test_what_was_measured_says_who_wins() -> None:
    found = report(ORDERS, TARGETS, PEOPLE, KNOWN)
    assert found["sizes"] == {"new users": 18, "new items": 20}
    assert found["methods"]["popularity"]["coverage"] == 0.5
    assert found["gain"]["popularity"]["ndcg_at_10"]["value"] == 1.0
    text = "\n".join(lines(found))
    assert "test: 20 items that 20 users took next, each ranked among all 4" in text
    assert "recommender less popularity, NDCG@10: +1.0000" in text


def test_an_item_that_was_taken_too_long_ago_to_count_is_not_new() -> None:
    """Of a long history only the latest items count, and yet the others were taken."""
    known = {**KNOWN, "2": [Taken(0.0, 1)]}
    assert report(ORDERS, TARGETS, PEOPLE, known)["sizes"] == {"new users": 17, "new items": 0}
