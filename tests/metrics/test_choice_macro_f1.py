from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.choice_macro_f1 import METRIC
from tests.metrics.choosing import choices

CORPUS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12)


def chosen(places: list[int]) -> list[dict[str, Any]]:
    return choices(np.eye(3)[places].tolist())


def test_registry_finds_it() -> None:
    assert registry.find("metric", "choice_macro_f1") is METRIC


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_the_value_is_that_of_scikit_learn(corpus: list[tuple[int, int]]) -> None:
    places, right = [place for place, _ in corpus], [place for _, place in corpus]
    found = score(METRIC(), chosen(places), right)["macro_f1"]
    expected = f1_score(right, places, labels=sorted({*right}), average="macro", zero_division=0)
    assert found["value"] == pytest.approx(expected)
    assert found["signature"].startswith("choice_macro_f1|lib:scikit-learn|")


def test_the_report_has_a_row_a_candidate() -> None:
    metric = METRIC()
    report = metric.report([*map(metric.read, chosen([0, 0, 1]))], [0, 2, 1])
    assert {label: row["f1-score"] for label, row in report["classes"].items()} == {
        "0": pytest.approx(2 / 3),
        "1": 1.0,
        "2": 0.0,
    }
