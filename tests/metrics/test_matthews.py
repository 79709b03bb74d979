from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from pefbench.metrics import score
from pefbench.metrics.matthews import METRIC
from tests.metrics.intervals import ends
from tests.metrics.texts import check

LABEL = st.sampled_from(["acceptable", "unacceptable", "Ärger"])
CORPUS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
Corpus = list[tuple[str, str]]


def by_scikit_learn(predicted: list[str], gold: list[str]) -> dict[str, float]:
    labels = sorted({*predicted, *gold})
    if len(labels) == 1:
        return {"matthews": 0.0}
    return {"matthews": float(matthews_corrcoef([*map(labels.index, gold)], [*map(labels.index, predicted)]))}


@settings(max_examples=50, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_corpus_and_resample_are_scikit_learns(corpus: Corpus, data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    check(METRIC(), corpus, by_scikit_learn, draws)


def test_by_hand() -> None:
    gold, predicted = ["a"] * 4 + ["b"] * 4, ["a", "a", "a", "b", "a", "b", "b", "b"]
    found = score(METRIC(), predicted * 10, gold * 10)["matthews"]
    assert found["value"] == pytest.approx(0.5)
    low, high = ends(found)
    assert low < 0.5 < high
    assert METRIC().compute(predictions=gold, references=gold)["matthews"] == pytest.approx(1)
    assert METRIC().compute(predictions=["b" if each == "a" else "a" for each in gold], references=gold) == {
        "matthews": pytest.approx(-1)
    }


def test_one_class_alone_is_worth_nothing() -> None:
    assert METRIC().compute(predictions=["a"] * 9, references=["a"] * 8 + ["b"]) == {"matthews": 0.0}
    assert METRIC().compute(predictions=["a"], references=["a"]) == {"matthews": 0.0}
    assert METRIC().signature().endswith("|one-class:0")


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(), name)(predictions=["a"], references=["a", "b"])
