from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench import registry
from pefbench.metrics import make, score
from pefbench.metrics.squad import METRIC, by_characters, normalize
from tests.metrics.intervals import ends

TEXT = st.lists(
    st.sampled_from(["the", "A", "cat", "Cat", "dogs", "dog's", "U.S.", "Ärger", "“x”", "-", "\u00a0", "日本"]),
    max_size=4,
).map(" ".join)
CORPUS = st.lists(st.tuples(TEXT, st.lists(TEXT, max_size=3)), min_size=1, max_size=6)
Corpus = list[tuple[str, list[str]]]

# (prediction, right text, exact match, F1): the values that compute_exact and compute_f1 of transformers 4.57.1 gave,
# which are those of evaluate-v2.0.py.
OFFICIAL = [
    ("The cat sat.", "a cat sat!", 1, 1),
    ("cat", "the black cat", 0, 2 / 3),
    ("cat cat", "cat", 0, 2 / 3),
    ("in the the house", "house", 0, 2 / 3),
    ("a b c d", "b c x", 0, 2 / 3),
    ("U.S.", "us", 1, 1),
    ("dog's tail", "dogs  tail", 1, 1),
    ("1,000", "1000", 1, 1),
    ("ÉCOLE", "école", 1, 1),
    ("“cat”", "cat", 0, 0),
    ("thé", "th", 0, 0),
    ("", "x", 0, 0),
    ("", "", 1, 1),
    ("the", "", 1, 1),
]


def test_registry_finds_it() -> None:
    assert registry.find("metric", "squad") is METRIC


@pytest.mark.parametrize(("prediction", "right", "exact", "f1"), OFFICIAL)
def test_values_are_those_of_the_official_script(prediction: str, right: str, exact: float, f1: float) -> None:
    values = METRIC().compute(predictions=[prediction], references=[[right]])
    assert values == {"exact_match": exact, "answer_f1": pytest.approx(f1)}
    assert {type(value) for value in values.values()} == {float}


def test_texts_are_compared_without_case_punctuation_articles_and_extra_space() -> None:
    assert normalize(" The  U.S.-led\n'an' A.N. theme\u00a0,") == "usled theme"
    assert normalize("“Ä” – the") == "“ä” –"  # only ASCII punctuation is dropped


def test_the_best_right_answer_counts_for_each_value_by_itself() -> None:
    values = METRIC().compute(predictions=["black cat"], references=[["a dog", "the cat", "cat black"]])
    assert values == {"exact_match": 0, "answer_f1": 1}


@pytest.mark.parametrize("nothing", [[], [""], ["", " the. "]])
def test_without_an_answer_only_an_empty_prediction_is_right(nothing: list[str]) -> None:
    values = METRIC().compute(predictions=["", "?", "cat", "a cat"], references=[nothing] * 4)
    assert values == {"exact_match": 0.5, "answer_f1": 0.5}


def test_empty_right_texts_beside_a_real_one_do_not_make_an_empty_prediction_right() -> None:
    assert METRIC().compute(predictions=[""], references=[["", "cat"]]) == {"exact_match": 0, "answer_f1": 0}


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


@settings(max_examples=25, deadline=None)
@given(TEXT, TEXT)
def test_f1_is_symmetric_and_one_where_the_match_is_exact(one: str, other: str) -> None:
    there, back = (METRIC().compute(predictions=[a], references=[[b]]) for a, b in ((one, other), (other, one)))
    assert there == pytest.approx(back)
    assert 0 <= there["exact_match"] <= there["answer_f1"] <= 1


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), ["the cat", "dog"] * 50, [["cat"], ["a black dog"]] * 50)
    found = scores["answer_f1"]
    assert found["value"] == pytest.approx(5 / 6)
    low, high = ends(found)
    assert low < found["value"] < high
    assert scores["exact_match"]["value"] == 0.5
    assert found["signature"].split("|")[:4] == [
        "squad",
        "script:evaluate-v2.0.py",
        "normalize:squad",
        "answers:best",
    ]
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|argument 2 is longer"):
        getattr(METRIC(), name)(predictions=["a"], references=[["a"], ["b"]])


def test_accents_and_vowel_signs_stay_with_their_letters() -> None:
    assert by_characters("ด้วย, हिन्दी cafe\u0301 年") == ["ด้", "ว", "ย", "हिन्दी", "cafe\u0301", "年"]


CHINESE = [["北京大学"], ["公园，2020 年"]]


@pytest.mark.parametrize("name", ["squad", "squad_v2"])
def test_a_script_without_spaces_is_refused_or_counted_by_characters(name: str) -> None:
    told = make(name).refusal(CHINESE)
    assert told == (
        "its F1 cannot divide 64% of the answers' letters into words, as in '北京大学'; "
        f"{{name: {name}, words: characters}} can"
    )
    metric = make({"name": name, "words": "characters"})
    assert metric.refusal(CHINESE) is None
    assert metric.signature().endswith("|normalize:squad|answers:best|words:characters|marks:with-letters")
    values = metric.compute(predictions=["北京", "2020 年。"], references=CHINESE)
    assert values["exact_match"] == 0
    assert values["answer_f1"] == pytest.approx((2 * 2 / 6 + 2 * 2 / 6) / 2)
    assert make(name).refusal([["the park"], []]) is None
