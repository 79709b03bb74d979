"""Labels: one label for all its spellings, and messages that name the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.remarks import Odd
from pefbench.sources.rows import BadRows, Row
from pefbench.tasks.reading import labels, ratings
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence


def rows(values: Sequence[Any]) -> list[Row]:
    return [
        Row({"text": f"text {at}", "label": value}, "x", at + 1, names={"label": "y"})
        for at, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ([1, 1.0, "1", "1.0", " 1.00 "], "1"),
        ([True, "True"], "True"),
        (["pos", " pos\u00a0", "pos\u200b", "\ufeffpos"], "pos"),
        (["pos", ["pos"], "['pos']", '["pos"]'], "pos"),
        ([3, [3], "[3]"], "3"),
        (["[pos]", "[pos]"], "[pos]"),  # no list
    ],
)
def test_one_label_however_it_is_written(written: list[Any], label: str) -> None:
    assert {labels.label(row) for row in rows(written)} == {label}


@pytest.mark.parametrize("several", [["a", "b"], "['a', 'b']"])
def test_several_labels_are_refused_with_the_task_that_learns_them(several: Any) -> None:
    assert refusal(DataError, labels.label, rows([several])[0]) == (
        "x:1: y has 2 labels ('a', 'b'), not one; task: multi_label_classification learns several"
    )


@pytest.mark.parametrize("value", [[{"name": "a"}], "[{'name': 'a'}]", '[{"name": "a"}]', "[['a']]"])
def test_objects_and_lists_in_a_list_are_no_labels(value: Any) -> None:
    assert "y should be a name or a whole number" in refusal(DataError, labels.label, rows([value])[0])


@pytest.mark.parametrize("missing", [None, float("nan"), "", " ", "\u200b ", [], [None]])
def test_a_missing_label_is_a_bad_row(missing: Any) -> None:
    read = labels.read({"train": rows(["a", "b", missing])}, BadRows(skip=True))
    assert len(read.splits["train"]) == 2


def test_a_label_that_differs_in_case_alone_says_so() -> None:
    splits = {"train": rows(["Positive", "Negative"]), "test": rows([" positive"])}
    message = refusal(DataError, labels.read, splits, BadRows())
    assert message == (
        "x:1: y 'positive' of the test split is not in train (train has 'Positive': only case or spaces differ); "
        "data.unseen_labels=count scores it as never found"
    )


def test_decimal_commas_are_named() -> None:
    split = {"train": rows(["3,5", "4", "-1,25"])}
    assert ratings.are_ratings(split)
    message = refusal(DataError, ratings.rating, split["train"][0])
    assert message == "x:1: y should be a number, as other ratings, got '3,5'; write its decimal comma as a point"
    assert not ratings.are_ratings({"train": rows(["1,2", "a"])})


def test_labels_that_are_several_of_the_others_are_warned_of() -> None:
    def told(*values: str) -> list[str]:
        splits = {"train": rows(values), "validation": rows(values), "test": rows(values)}
        return [note for note in labels.read(splits, BadRows()).notes if isinstance(note, Odd)]

    [warning] = told("a", "b", "a, b", "c", "a;c")
    assert warning.startswith("2 labels such as 'a, b' (1), 'a;c' (1) are several of the others in one")
    assert not told("a", "b", "a, c", "b,", ",")
