"""Cells: lists written as text, labels written as numbers, invisible characters."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.sources.cells import as_list, clean_name, clean_word, excerpt, is_missing, named

ITEMS = st.lists(st.one_of(st.text(), st.integers(-(10**9), 10**9), st.none()), min_size=1, max_size=6)


@given(ITEMS)
def test_a_list_reads_as_it_was_written(items: list[str | int | None]) -> None:
    assert as_list(json.dumps(items)) == items
    assert as_list(f"  {items!r} ") == items


@given(st.text(alphabet="[]'\",\\ ab1-x().", max_size=30))
def test_no_text_is_evaluated_or_ends_in_a_traceback(text: str) -> None:
    for each in (text, f"[{text}]"):
        try:
            found = as_list(each)
        except ValueError as error:
            assert str(error) == "neither JSON nor a Python list"  # noqa: PT017
        else:
            assert found is None or all(item is None or isinstance(item, str | int | float) for item in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),  # numpy's
        ("['it\\'s', \"it's\",]", ["it's", "it's"]),
        ("[0, 3, None]", [0, 3, None]),
        ("a [b]", None),
        ("[ laughs ]", None),
        ("[1, [2]]", None),
        ("[" * 10_000 + "]" * 10_000, None),
        (f"[{'9' * 5000}]", None),
        ("", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_a_list(text: str, expected: list[object] | None) -> None:
    assert as_list(text) == expected


@pytest.mark.parametrize("text", ["['a', open('x')]", "['a', b]", '["a", "b"', "['a'] + ['b']"])
def test_what_is_almost_a_list_is_refused(text: str) -> None:
    if text.endswith("]"):
        with pytest.raises(ValueError, match="neither JSON nor a Python list"):
            as_list(text)
    else:
        assert as_list(text) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "b"),
        (1.0, "b"),
        ("1", "b"),
        ("1.0", "b"),
        ("b", "b"),
        ([0, 1], ["a", "b"]),
        ("[0, 1]", ["a", "b"]),
        ("0 1", ["a", "b"]),
        (-1, None),
        ("-1", None),
        (None, None),
        (True, True),
        ("other", "other"),
    ],
)
def test_a_number_gets_its_name(value: object, expected: object) -> None:
    assert named(value, ["a", "b"]) == expected


@pytest.mark.parametrize("value", [2, -2, "2", 0.5, [5], float("inf")])
def test_a_number_without_a_name(value: object) -> None:
    with pytest.raises(ValueError, match="is not the index of one of 2 label names"):
        named(value, ["a", "b"])


def test_invisible_characters() -> None:
    assert clean_name("\ufeff Sentence\u00a0 # \u200b") == "Sentence #"
    assert clean_word("\u00a010\u202f000\u200b") == "10 000"
    assert clean_word("Zu\u00adg") == "Zug"
    assert clean_word("\u200b") == "\u200b"
    assert (
        clean_word("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")
        == "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    )
    assert all(map(is_missing, [None, float("nan"), "", "\u00a0"]))
    assert not any(map(is_missing, [0, "0", False, "nan"]))


def test_an_excerpt_of_anything() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert excerpt(deep, 9) == "a list"
    assert excerpt(10**5000, 9) == "a int"
    assert excerpt("abcdef", 3) == "abc"
    while deep:  # or else Python's own clearing of it goes as deep
        deep = deep[0]  # type: ignore[assignment]
