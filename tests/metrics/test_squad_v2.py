from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.squad import METRIC as SQUAD
from pefbench.metrics.squad_v2 import METRIC

TEXT = st.lists(st.sampled_from(["the", "cat", "dog", "Ärger", "."]), max_size=3).map(" ".join)
CORPUS = st.lists(st.tuples(TEXT, st.lists(TEXT, max_size=2)), min_size=1, max_size=6)
Corpus = list[tuple[str, list[str]]]


def test_registry_finds_it() -> None:
    assert registry.find("metric", "squad_v2") is METRIC


def test_values_by_hand() -> None:
    predictions = ["cat", "a dog", "", "", "cat"]
    references = [["the cat"], ["black dog", "dog"], ["cat"], [], [""]]
    values = METRIC().compute(predictions=predictions, references=references)
    assert values == pytest.approx(
        {
            "exact_match": 3 / 5,
            "answer_f1": 3 / 5,
            "has_answer_exact_match": 2 / 3,
            "has_answer_f1": 2 / 3,
            "no_answer_exact_match": 1 / 2,
        }
    )
    assert {type(value) for value in values.values()} == {float}


def test_a_model_that_never_answers_is_seen_through() -> None:
    values = METRIC().compute(predictions=[""] * 4, references=[["cat"], [], [], []])
    assert (values["exact_match"], values["has_answer_f1"], values["no_answer_exact_match"]) == (0.75, 0, 1)


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_the_whole_is_that_of_squad_and_the_parts_are_its_values_on_them(corpus: Corpus) -> None:
    def squad(part: Corpus) -> dict[str, float]:
        if not part:
            return {"exact_match": 0, "answer_f1": 0}
        values: dict[str, float] = SQUAD().compute(predictions=[p for p, _ in part], references=[r for _, r in part])
        return values

    answered = [any({"cat", "dog", "Ärger"} & {*text.split()} for text in texts) for _, texts in corpus]
    has, no = (squad([each for each, there in zip(corpus, answered, strict=True) if there == kind]) for kind in (1, 0))
    values = METRIC().compute(predictions=[p for p, _ in corpus], references=[r for _, r in corpus])
    assert values == pytest.approx(
        {
            **squad(corpus),
            "has_answer_exact_match": has["exact_match"],
            "has_answer_f1": has["answer_f1"],
            "no_answer_exact_match": no["exact_match"],
        }
    )
    assert no["exact_match"] == no["answer_f1"]


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_are_the_values_of_the_resampled_corpus(corpus: Corpus, data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=6))
    metric, predictions, references = METRIC(), [p for p, _ in corpus], [r for _, r in corpus]
    sums = metric.counts(predictions, references)[draws].sum(axis=0)
    expected = metric.compute(predictions=[predictions[i] for i in draws], references=[references[i] for i in draws])
    values = metric.from_counts(np.stack([sums, sums]).reshape(2, 1, -1))
    assert {name: value.shape for name, value in values.items()} == dict.fromkeys(expected, (2, 1))
    assert {name: float(value[1, 0]) for name, value in values.items()} == pytest.approx(expected, abs=1e-12)


def test_score_has_values_and_signature() -> None:
    scores = score(METRIC(), ["cat", ""] * 20, [["cat"], []] * 20)
    assert {name: found["value"] for name, found in scores.items()} == dict.fromkeys(METRIC.higher_is_better, 1.0)
    assert scores["answer_f1"]["signature"].startswith("squad_v2|script:evaluate-v2.0.py|normalize:squad|")
    assert json.loads(json.dumps(scores)) == scores
