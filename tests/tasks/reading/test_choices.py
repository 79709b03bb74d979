"""Wrong candidates and their order: drawn by the text's hash, never equal to the right one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import Row, normalise
from pefbench.tasks.reading.choices import Pool, Question, examples, number, place, shuffled

TEXTS = st.lists(st.sampled_from(["a", "A!", "b", "b.", "c", "d", "é", "É", ":)", ":("]), max_size=12)


def row(**values: Any) -> Row:
    return Row(values, "x.json", 3)


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(1, 5), st.text(max_size=5), TEXTS)
def test_distractors_differ_from_each_other_and_from_what_is_excluded(
    texts: list[str], wanted: int, seed: str, exclude: list[str]
) -> None:
    there = {normalise(text) for text in texts} - {normalise(text) for text in exclude}
    pool = Pool(texts)
    if len(there) < wanted:
        with pytest.raises(DataError, match=f"but the split has only {len(there)} different ones"):
            pool.distractors(wanted, seed, exclude)
        return
    drawn = pool.distractors(wanted, seed, exclude)
    assert len({normalise(text) for text in drawn} & there) == len(drawn) == wanted
    assert drawn == Pool(texts).distractors(wanted, seed, exclude)


def test_what_is_right_twice_as_often_is_drawn_twice_as_often() -> None:
    pool = Pool(["often"] * 20 + ["seldom"] * 10 + [f"other {i}" for i in range(170)])
    drawn = Counter(text for i in range(4000) for text in pool.distractors(1, str(i), ()))
    assert 350 < drawn["often"] < 450
    assert 165 < drawn["seldom"] < 235


def test_the_draw_is_that_of_the_text_on_every_machine() -> None:
    pool = Pool([f"reply {i}" for i in range(100)])
    assert pool.distractors(3, "How are you?", ()) == ["reply 84", "reply 99", "reply 42"]
    assert shuffled("abcd", 0, "How are you?") == (("c", "a", "b", "d"), 1)


@given(st.lists(st.text(), min_size=1, max_size=8), st.data(), st.text())
def test_a_shuffle_keeps_all_and_follows_the_right_one(candidates: list[str], data: st.DataObject, seed: str) -> None:
    right = data.draw(st.integers(0, len(candidates) - 1))
    order, at = shuffled(candidates, right, seed)
    assert sorted(order) == sorted(candidates)
    assert order[at] == candidates[right]


def test_the_place_of_the_right_one_says_nothing() -> None:
    asked = [Question(row(), f"context {i}", f"right {i}") for i in range(1000)]
    places = Counter(example.label for example in examples(asked, 4))
    assert set(places) == {0, 1, 2, 3}
    assert min(places.values()) > 200
    given_ones = [Question(row(), f"context {i}", "yes", wrong=("no",)) for i in range(1000)]
    assert 420 < sum(example.label for example in examples(given_ones, 4)) < 580


def test_neither_other_kinds_nor_what_is_also_right_is_drawn() -> None:
    asked = [Question(row(), f"noun {i}", f"noun{i}", kind="noun") for i in range(5)]
    asked += [
        Question(row(), f"verb {i}", f"verb{i}", kind="verb", also_right=(f"verb{(i + 1) % 5}",)) for i in range(5)
    ]
    for i, example in enumerate(examples(asked, 4)):
        kinds = {candidate[:4] for candidate in example.candidates}
        assert kinds == {example.context[:4]}
        assert f"verb{(i + 1) % 5}" not in example.candidates


def test_another_right_answer_to_the_same_context_is_never_a_wrong_one() -> None:
    asked = [Question(row(), "Tell me a joke.", f"joke {i}") for i in range(20)]
    asked += [Question(row(), "tell me a JOKE", "joke 20"), *(Question(row(), f"q{i}", f"a{i}") for i in range(3))]
    for example in examples(asked, 3)[:21]:
        assert sum(candidate.startswith("joke") for candidate in example.candidates) == 1


def test_too_few_to_draw_from_is_an_error_that_names_the_option() -> None:
    with pytest.raises(DataError, match=r"x\.json:3: 3 wrong candidates are needed.* only 1 .*options\.candidates"):
        examples([Question(row(), "a", "b"), Question(row(), "c", "d")], 4)


@pytest.mark.parametrize(
    ("label", "first", "expected"),
    [(0, 0, 0), (2, 1, 1), ("3", 0, 3), (1.0, 0, 1), ("B", 0, 1), ("b", 1, 1), ("choice2", 1, 1), (" 1 ", 1, 0)],
)
def test_labels_are_numbers_or_letters(label: object, first: int, expected: int) -> None:
    assert place(row(label=label), "label", 4, first) == expected


@pytest.mark.parametrize("label", [-1, "-1", 4, "E", None, "", "first", 0.5, [1], True, "1.5"])
def test_what_names_no_candidate_is_refused(label: object) -> None:
    with pytest.raises(
        DataError, match=r"x\.json:3: label should be the number .from 0. or the letter .from A. of one of 4"
    ):
        place(row(label=label), "label", 4)


def test_digits_are_the_plain_ones() -> None:
    assert number("x٣") is None
