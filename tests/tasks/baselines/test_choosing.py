"""Trivial baselines of choices answer like the choice head and see no labels of the other split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from pefbench.heads.examples import ChoiceExample
from pefbench.metrics import score
from pefbench.registry import find

NAMES = ["first_candidate", "overlapping_candidate", "popular_candidate"]
TRAIN = [
    ChoiceExample("where is the red house", ("the house is here", "a cat"), 0),
    ChoiceExample("who ate the fish", ("no", "the cat ate it", "maybe"), 1),
    ChoiceExample("is it old", ("no", "yes"), 0),
    ChoiceExample("is it new", ("yes", "no"), 1),
]
TEST = [
    ChoiceExample("where is the cat", ("yes", "no", "the cat is in the house"), 2),
    ChoiceExample("is the fish old", ("yes", "no"), 0),
]


@pytest.mark.parametrize("name", NAMES)
def test_answers_have_a_score_a_candidate_and_labels_change_nothing(name: str) -> None:
    answers = find("baseline", name)(TRAIN, TEST)
    assert [len(answer["scores"]) for answer in answers] == [3, 2]
    assert all(answer["choice"] == answer["scores"].index(max(answer["scores"])) for answer in answers)
    assert find("baseline", name)(TRAIN, [replace(example, label=1) for example in TEST]) == answers
    for metric in ("recall_at_1", "choice_accuracy", "choice_macro_f1"):
        assert score(find("metric", metric)(), answers, [example.label for example in TEST])


def test_equal_scores_make_the_recall_of_chance() -> None:
    answers = find("baseline", "first_candidate")([], TEST)
    found = score(find("metric", "recall_at_1")(), answers, [2, 0])
    assert found["recall_at_1"]["value"] == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_the_overlap_is_the_cosine_of_scikit_learn() -> None:
    answers = find("baseline", "overlapping_candidate")(TRAIN, TEST)
    texts = [text for each in TRAIN for text in (each.context, each.candidates[each.label])]
    vectors = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit(texts)
    for answer, example in zip(answers, TEST, strict=True):
        expected = cosine_similarity(vectors.transform([example.context]), vectors.transform(example.candidates))[0]
        assert answer["scores"] == pytest.approx(expected.tolist())
    assert answers[0]["choice"] == 2


def test_the_popular_one_is_what_is_right_most_often() -> None:
    answers = find("baseline", "popular_candidate")(TRAIN, TEST)
    assert answers == [{"choice": 1, "scores": [0, 2, 0]}, {"choice": 1, "scores": [0, 2]}]
