from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.out_of_scope_auroc import METRIC
from tests.metrics.intervals import ends

PROBABILITY = st.sampled_from([0.0, 0.1, 0.1 + 1e-12, 0.5, 0.5, 0.9, 1.0])
CORPUS = st.lists(
    st.tuples(PROBABILITY, st.sampled_from(["oos", "oos", "alarm", "Wetter-Ändern", "OOS", ""])), min_size=2
)


def answer(probability: float) -> dict[str, object]:
    return {"label": "alarm", "outside": probability}


@settings(max_examples=50, deadline=None)
@given(CORPUS, st.data())
def test_resampled_examples_have_the_area_of_scikit_learn(corpus: list[tuple[float, str]], data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=20))
    weights = np.bincount(draws, minlength=len(corpus))[None].astype(float)
    outside = [corpus[i][1] == "oos" for i in draws]
    expected = roc_auc_score(outside, [corpus[i][0] for i in draws]) if 0 < sum(outside) < len(draws) else 0.5
    areas = METRIC().weighted(*zip(*corpus, strict=True))
    found = areas(np.concatenate([weights, weights * 3]))["out_of_scope_auroc"]
    assert found.tolist() == pytest.approx([expected, expected], abs=1e-12)


def test_it_is_found_and_reads_probabilities_of_answers() -> None:
    assert registry.find("metric", "out_of_scope_auroc") is METRIC
    answers = [answer(each) for each in (0.9, 0.2, 0.2, 0.1)]
    found = score(METRIC(), answers, ["oos", "oos", "alarm", "alarm"])["out_of_scope_auroc"]
    assert found["value"] == pytest.approx(3.5 / 4)  # of the four pairs one is a tie
    low, high = ends(found)
    assert low < found["value"] <= high
    assert found["signature"].startswith("out_of_scope_auroc|lib:scikit-learn|v:")


def test_a_bare_label_is_certain() -> None:
    found = score(METRIC(), ["oos", "alarm", "alarm", "oos"], ["oos", "oos", "alarm", "alarm"])
    assert found["out_of_scope_auroc"]["value"] == 0.5


def test_one_kind_alone_is_a_guess_and_not_an_error() -> None:
    found = score(METRIC(), [answer(0.3)] * 3, ["alarm"] * 3)["out_of_scope_auroc"]
    assert (found["value"], found["reliable"]) == (0.5, False)
    low, high = ends(found)
    assert high - low > 0.7
