"""Trivial baselines learn from training labels alone and answer like the head."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from pefbench.heads.examples import RegressionExample, SequenceExample, SpanExample, TokenExample
from pefbench.registry import find, names

LABELS = st.lists(st.sampled_from("abc"), min_size=1, max_size=30)


@pytest.mark.parametrize("name", names("baseline"))
def test_each_file_has_a_baseline_that_answers_every_example(name: str) -> None:
    assert callable(find("baseline", name))


@given(LABELS)
def test_the_majority_is_what_scikit_learn_says(labels: list[str]) -> None:
    train = [SequenceExample(f"text {i}", label) for i, label in enumerate(labels)]
    expected = DummyClassifier(strategy="most_frequent").fit([[0]] * len(labels), labels).predict([[0]] * 2)
    assert find("baseline", "majority")(train, train[:1] * 2) == list(expected)


def test_a_bag_of_words_tells_texts_by_their_words_and_marks() -> None:
    train = [
        SequenceExample("what is a fine word ?", "question"),
        SequenceExample("who has seen it ?", "question"),
        SequenceExample("that is a fine word .", "statement"),
        SequenceExample("Ünal has seen it .", "statement"),
    ]
    asked = [SequenceExample("has anyone ?", ""), SequenceExample("nobody .", ""), SequenceExample("", "")]
    assert find("baseline", "bag_of_words")(train, asked)[:2] == ["question", "statement"]


def test_a_bag_of_words_reads_both_texts_of_a_pair() -> None:
    train = [SequenceExample("same", "yes", "good"), SequenceExample("same", "no", "bad")] * 3
    asked = [SequenceExample("same", "", "bad"), SequenceExample("same", "", "good")]
    assert find("baseline", "bag_of_words")(train, asked) == ["no", "yes"]


@pytest.mark.parametrize("name", ["majority", "bag_of_words"])
def test_the_labels_of_the_other_split_change_nothing(name: str) -> None:
    train = [SequenceExample(f"word{i % 3} and {i}", "ab"[i % 2]) for i in range(12)]
    test = [SequenceExample(f"word{i}", "a") for i in range(3)]
    answers = find("baseline", name)(train, test)
    assert find("baseline", name)(train, [replace(example, label="b") for example in test]) == answers


def test_words_get_their_most_frequent_tag() -> None:
    train = [
        TokenExample(("Paris", "sleeps"), ("B-LOC", "O")),
        TokenExample(("Paris", "Hilton"), ("B-PER", "I-PER")),
        TokenExample(("Paris",), ("B-PER",)),
    ]
    asked = [TokenExample(("Paris", "never", "sleeps"), ("O", "O", "O")), TokenExample(("Hilton",), ("O",))]
    assert find("baseline", "word_tags")(train, asked) == [["B-PER", "O", "O"], ["I-PER"]]


def test_of_equally_frequent_tags_the_order_of_the_texts_decides_nothing() -> None:
    train = [TokenExample(("Paris",), ("B-PER",)), TokenExample(("Paris",), ("B-LOC",))]
    answers = [find("baseline", "word_tags")(each, train[:1]) for each in (train, train[::-1])]
    assert answers == [[["B-LOC"]], [["B-LOC"]]]


def test_the_sentence_with_most_words_of_the_question_is_the_answer() -> None:
    context = "It is old. The red house stands in Rome!\nThe house is red, and in ruins"
    asked = [SpanExample(question, context, ()) for question in ("Where is the RED house ?", "Rome", "Nothing such")]
    assert find("baseline", "overlapping_sentence")([], asked) == [
        "The house is red, and in ruins",
        "The red house stands in Rome!",
        "It is old.",
    ]


def test_a_bag_of_words_that_saw_one_label_answers_it() -> None:
    train = [SequenceExample("a good film", "good"), SequenceExample("fine", "good")]
    assert find("baseline", "bag_of_words")(train, [SequenceExample("bad", "bad")]) == ["good"]


def test_the_hypothesis_alone_says_what_it_can() -> None:
    train = [
        SequenceExample("the same", "no", "nobody sleeps"),
        SequenceExample("the same", "yes", "somebody sleeps"),
    ] * 3
    asked = [SequenceExample("nobody nobody", "", "somebody"), SequenceExample("somebody", "", "nobody")]
    assert find("baseline", "hypothesis_only")(train, asked) == ["yes", "no"]


def test_words_that_a_pair_shares_tell_a_paraphrase() -> None:
    train = [
        SequenceExample("The house is red", "yes", "the RED house!"),
        SequenceExample("The house is red", "no", "Anna sleeps"),
    ] * 10
    asked = [SequenceExample("Anna sleeps", "", "Anna sleeps."), SequenceExample("!", "", "?")]
    assert find("baseline", "word_overlap")(train, asked) == ["yes", "no"]
    assert find("baseline", "word_overlap")(train[:1], asked) == ["yes", "yes"]


def test_words_that_a_pair_shares_score_it_within_the_scores_of_training() -> None:
    train = [RegressionExample("a b", score, pair) for pair, score in (("a b", 5.0), ("a c", 2.5), ("c d", 0.0))]
    asked = [RegressionExample("x", 0, "x"), RegressionExample("x y", 0, "x z"), RegressionExample("x", 0, "")]
    assert find("baseline", "word_overlap_score")(train, asked) == pytest.approx([5, 2.5, 0])
