from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import precision_recall_fscore_support

from pefbench.errors import RecipeError
from pefbench.metrics import make, score
from pefbench.metrics.f1 import METRIC
from pefbench.recipe import load_recipe
from tests.metrics.intervals import ends
from tests.metrics.texts import check

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("precision", "recall", "f1")
LABEL = st.sampled_from(["spam", "ham", "Ärger", "1"])
CORPUS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
AVERAGES = ["macro", "micro", "weighted"]
Corpus = list[tuple[str, str]]


def by_scikit_learn(predicted: list[str], gold: list[str], labels: list[str], average: str) -> dict[str, float]:
    values = precision_recall_fscore_support(gold, predicted, labels=labels, average=average, zero_division=0)
    return dict(zip(NAMES, map(float, values[:3]), strict=True))


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_of_a_class_it_is_scikit_learns(corpus: Corpus, data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    check(METRIC(positive="spam"), corpus, lambda found, gold: by_scikit_learn(found, gold, ["spam"], "macro"), draws)


@pytest.mark.parametrize("average", AVERAGES)
@settings(max_examples=25, deadline=None)
@given(corpus=CORPUS)
def test_averages_are_scikit_learns(average: str, corpus: Corpus) -> None:
    def expected(predicted: list[str], gold: list[str]) -> dict[str, float]:
        among = sorted({*gold} if average != "micro" else {*gold, *predicted})
        return by_scikit_learn(predicted, gold, among, average)

    check(METRIC(average=average), corpus, expected)


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_two_classes_are_scikit_learns_binary_average(corpus: Corpus) -> None:
    predicted, gold = ([("no", "yes")[each[side] == "spam"] for each in corpus] for side in (0, 1))
    values = precision_recall_fscore_support(
        [each == "yes" for each in gold], [each == "yes" for each in predicted], average="binary", zero_division=0
    )
    found = METRIC(positive="yes").compute(predictions=predicted, references=gold)
    assert found == pytest.approx(dict(zip(NAMES, values[:3], strict=True)), abs=1e-12)


def test_a_class_that_is_never_found_is_nowhere_1() -> None:
    gold = ["ham"] * 99 + ["spam"]
    found = score(METRIC(positive="spam"), ["ham"] * 100, gold)["f1"]
    assert (found["value"], found["low"], found["reliable"]) == (0, 0, False)
    _, high = ends(score(METRIC(average="macro"), ["ham"] * 100, gold)["f1"])
    assert high < 0.51


def test_the_options_are_in_the_signature() -> None:
    assert METRIC(positive="spam").signature().endswith("|positive:spam|zero_division:0")
    macro = METRIC(average="macro").signature()
    assert macro.endswith("|average:macro|labels:references|absent-from-resample:as-on-all|zero_division:0")
    assert METRIC(average="micro").signature().endswith("|average:micro|zero_division:0")
    assert make({"name": "f1", "positive": "1"}).signature() == METRIC(positive="1").signature()


def test_it_is_refused_without_a_class_or_an_average_and_with_both() -> None:
    told = "it needs one of two options: {name: f1, positive: CLASS} or {name: f1, average: macro}"
    assert METRIC().refusal(["a", "b"]) == METRIC(positive="a", average="macro").refusal(["a", "b"]) == told
    assert METRIC(positive="c").refusal(["b", "a"]) == "no reference has its positive class 'c'; they have a, b"
    assert METRIC(positive="a").refusal(["b", "a"]) is None
    assert METRIC(positive="a").refusal([1.5]) == "it scores texts, and the task's answers are numbers"


def test_wrong_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        METRIC(average="median")
    with pytest.raises(RecipeError, match=r"evaluate.metrics.f1.positive: input should be a valid string, got 1"):
        load_recipe(_recipe(tmp_path), ["evaluate.metrics=[{name: f1, positive: 1}]"])
    with pytest.raises(RecipeError, match=r"evaluate.metrics.f1.average: input should be 'macro', 'micro' or 'wei"):
        load_recipe(_recipe(tmp_path), ["evaluate.metrics=[{name: f1, average: mean}]"])


@pytest.mark.parametrize("options", [{"positive": "a"}, {"average": "macro"}])
@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|1 predictions for 2 references"):
        getattr(METRIC(**options), name)(predictions=["a"], references=["a", "b"])


def test_shapes() -> None:
    values = METRIC(positive="a").weighted(["a", "b"], ["a", "a"])(np.ones((3, 2)))
    assert {name: value.tolist() for name, value in values.items()} == {
        "precision": [1.0] * 3,
        "recall": [0.5] * 3,
        "f1": [pytest.approx(2 / 3)] * 3,
    }


def _recipe(folder: Path) -> Path:
    file = folder / "r.yaml"
    file.write_text("task: sentiment\nmethod: {name: lora}\n", encoding="utf8")
    return file
