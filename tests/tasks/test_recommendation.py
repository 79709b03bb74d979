"""Recommendation: the last item is the test, and items that a user took are never wrong candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.registry import find
from pefbench.sources import BadRows, Row
from pefbench.tasks.recommendation import TASK, leave_last_out, read
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.trial.corpus import Corpus

USERS, ITEMS = 30, 40
OPTIONS = TASK.options().model_dump()


def load(folder: Path, **options: Any) -> Corpus:
    """Read a log in which user u took items u, u + 1, ..., u + 9, in this order."""
    items = "item_id:token\tmovie_title:token_seq\n" + "".join(f"{i}\tFilm {i}\n" for i in range(ITEMS))
    (folder / "ml.item").write_text(items, encoding="utf8")
    lines = [f"{u}\t{u + n}\t3\t{100 * u + n}" for u in range(USERS) for n in range(10)]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    (folder / "ml.inter").write_text(header + "\n".join(lines) + "\n", encoding="utf8")
    return loading.load("recommendation", folder, options, format="movielens")


def impression(clicked: Any, candidates: tuple[str, ...] = ("a", "b", "c")) -> Row:
    values = {"user": "u", "history": ["x", "y"], "candidates": [*candidates], "clicked": clicked}
    return Row(values, "behaviors.tsv", 5)


def test_the_last_item_is_for_testing_and_the_one_before_for_validation(tmp_path: Path) -> None:
    splits = load(tmp_path, per_user=1).dataset.splits
    assert {split: len(examples) for split, examples in splits.items()} == dict.fromkeys(splits, USERS)
    for split, back in {"test": 1, "validation": 2, "train": 3}.items():
        for user, example in enumerate(splits[split]):
            right = user + 10 - back
            assert example.candidates[example.label] == f"Film {right}"
            assert example.context.split("\n") == [f"Film {item}" for item in range(max(user, right - 5), right)]


def test_wrong_candidates_are_never_what_the_user_took_and_all_differ(tmp_path: Path) -> None:
    splits = load(tmp_path, candidates=8).dataset.splits
    for split, wanted in {"train": 5, "validation": 8, "test": 8}.items():
        for number, example in enumerate(splits[split]):
            user = number // 2 if split == "train" else number
            took = {f"Film {user + n}" for n in range(10)}
            assert took & {*example.candidates} == {example.candidates[example.label]}
            assert len({*example.candidates}) == wanted
    places = {example.label for example in splits["test"]}
    assert len(places) > 3  # the right one stands anywhere


def test_training_has_several_earlier_items_of_a_user(tmp_path: Path) -> None:
    train = load(tmp_path, per_user=3).dataset.splits["train"]
    assert [each.candidates[each.label] for each in train[:3]] == ["Film 7", "Film 6", "Film 5"]


def test_few_users_are_tested_and_that_is_said(tmp_path: Path) -> None:
    found = load(tmp_path, tested=10, candidates=4).dataset
    assert {split: len(examples) for split, examples in found.splits.items()} == {
        "train": 2 * USERS,
        "validation": 10,
        "test": 10,
    }
    assert found.notes == ["test is 10 of 30 rows", "validation is 10 of 30 rows"]


def test_a_user_with_three_items_is_in_no_split() -> None:
    rows = [
        Row({"user": "u", "history": ["a"] * n, "candidates": None, "clicked": None}, "ml.inter", 2) for n in (3, 4)
    ]
    assert {split: len(kept) for split, kept in leave_last_out(rows).items()} == {
        "train": 1,
        "validation": 1,
        "test": 1,
    }


def test_each_click_of_an_impression_stands_among_what_was_not_clicked() -> None:
    first, second = read({"train": [impression([True, False, True])]}, BadRows(), **OPTIONS).splits["train"]
    assert {*first.candidates} == {"a", "b"}
    assert {*second.candidates} == {"b", "c"}
    assert [each.candidates[each.label] for each in (first, second)] == ["a", "c"]
    assert first.context == "x\ny"


def test_training_has_a_few_of_what_was_shown_and_other_splits_have_all() -> None:
    shown = tuple(f"news {number}" for number in range(40))
    rows = [impression([item == "news 7" for item in shown], shown)]
    found = read({"train": rows, "test": rows}, BadRows(), **OPTIONS)
    (few,), (all_of_them,) = found.splits["train"], found.splits["test"]
    assert len({*few.candidates}) == len(few.candidates) == OPTIONS["train_candidates"]
    assert {*all_of_them.candidates} == {*shown}
    assert [each.candidates[each.label] for each in (few, all_of_them)] == ["news 7"] * 2
    again = read({"train": rows}, BadRows(), **OPTIONS)
    assert again.splits["train"] == [few]


def test_a_title_that_was_clicked_is_wrong_nowhere_in_its_impression() -> None:
    (only,) = read({"test": [impression([True, False, False], ("a", "a", "b"))]}, BadRows(), **OPTIONS).splits["test"]
    assert sorted(only.candidates) == ["a", "b"]


def test_each_baseline_scores_every_candidate_and_repeated_words_are_one(tmp_path: Path) -> None:
    splits = load(tmp_path).dataset.splits
    for name in TASK.baselines:
        answers = find("baseline", name)(splits["train"], splits["test"])
        assert [len(each["scores"]) for each in answers] == [20] * USERS
    assert "overlapping_candidate" in TASK.baselines  # genres repeat: far above popularity on MovieLens


@pytest.mark.parametrize(
    ("clicked", "why"),
    [
        ([False] * 3, "an impression needs a clicked candidate"),
        ([True] * 3, "and one that was not"),
        ([True], "clicked should have yes or no for each of 3 candidates"),
        (None, "clicked should have"),
    ],
)
def test_a_bad_impression_is_named_or_left_out(clicked: Any, why: str) -> None:
    with pytest.raises(DataError, match=r"^behaviors\.tsv:5: ") as caught:
        read({"train": [impression(clicked)]}, BadRows(), **OPTIONS)
    assert why in str(caught.value)
    assert not read({"train": [impression(clicked)]}, BadRows(skip=True), **OPTIONS).splits["train"]


def test_impressions_name_their_splits_and_logs_do_not() -> None:
    with pytest.raises(DataError, match=r"impressions come already split: name data\.train and data\.test"):
        leave_last_out([impression([True, False, False])])
    log = Row({"user": "u", "history": ["a"] * 9, "candidates": None, "clicked": None}, "ml.inter", 2)
    with pytest.raises(DataError, match=r"ml\.inter:2: a log is split by time, not by file"):
        read({"train": [log]}, BadRows(), **OPTIONS)


def test_of_a_long_impression_training_takes_few_and_testing_all() -> None:
    shown = tuple(f"news {i}" for i in range(60))
    long = impression([i == 7 for i in range(60)], shown)
    splits = read({"train": [long], "test": [long]}, BadRows(), **OPTIONS).splits
    [trained], [tested] = splits["train"], splits["test"]
    assert len({*trained.candidates}) == OPTIONS["train_candidates"]
    assert {*trained.candidates} <= {*shown}
    assert sorted(tested.candidates) == sorted(shown)
    assert [each.candidates[each.label] for each in (trained, tested)] == ["news 7"] * 2


def test_a_title_that_was_clicked_is_not_wrong_where_it_was_shown_again() -> None:
    [first] = read({"train": [impression([True, False, False], ("a", "a", "b"))]}, BadRows(), **OPTIONS).splits["train"]
    assert sorted(first.candidates) == ["a", "b"]
