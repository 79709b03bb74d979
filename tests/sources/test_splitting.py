from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.sources import Row, drop_leaks, drop_repeats, fingerprint, normalise, split_by_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
texts = st.lists(st.text(max_size=12), max_size=30)
some_texts = st.lists(st.text(max_size=12).filter(normalise), max_size=30)


def rows_of(values: Sequence[str]) -> list[Row]:
    return [Row({"text": value}, "x", i) for i, value in enumerate(values, start=1)]


def text_of(row: Row) -> str:
    value: str = row.values["text"]
    return value


@given(texts)
def test_a_split_is_a_partition_that_keeps_the_order(values: list[str]) -> None:
    splits = split_by_hash(rows_of(values), text_of, FRACTIONS)
    assert list(splits) == list(FRACTIONS)
    lines = [[row.line for row in rows] for rows in splits.values()]
    assert sorted(itertools.chain(*lines)) == list(range(1, len(values) + 1))
    assert all(part == sorted(part) for part in lines)


@given(texts.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))))
def test_a_split_does_not_depend_on_the_order(both: tuple[list[str], list[str]]) -> None:
    first, second = (split_by_hash(rows_of(values), text_of, FRACTIONS) for values in both)
    for name in FRACTIONS:
        assert Counter(map(text_of, first[name])) == Counter(map(text_of, second[name]))


@given(texts)
def test_a_text_falls_where_it_falls_alone(values: list[str]) -> None:
    for name, rows in split_by_hash(rows_of(values), text_of, FRACTIONS).items():
        for row in rows:
            assert split_by_hash([row], text_of, FRACTIONS)[name] == [row]


@given(texts)
def test_filled_splits_have_a_key_each_if_there_are_enough(values: list[str]) -> None:
    plain = split_by_hash(rows_of(values), text_of, FRACTIONS)
    filled = split_by_hash(rows_of(values), text_of, FRACTIONS, fill=True)
    keys = {name: {normalise(text_of(row)) for row in rows} for name, rows in filled.items()}
    distinct = {normalise(value) for value in values}
    assert sum(map(len, keys.values())) == len(distinct)  # no key is in two
    assert sorted(row.line for rows in filled.values() for row in rows) == list(range(1, len(values) + 1))
    if len(distinct) >= len(FRACTIONS):
        assert all(keys.values())
    if all(plain.values()) or len(distinct) < len(FRACTIONS):
        assert filled == plain


@pytest.mark.parametrize("values", list(itertools.permutations("abcdefgh", 3))[:60])
def test_three_keys_fill_three_splits_in_the_order_of_their_hashes(values: tuple[str, ...]) -> None:
    filled = split_by_hash(rows_of(values), text_of, FRACTIONS, fill=True)
    by_hash = sorted(values, key=lambda value: hashlib.sha256(value.encode()).digest())
    assert [[text_of(row) for row in rows] for rows in filled.values()] == [[value] for value in by_hash]


@given(texts, st.sampled_from(["{}!", " {}\t", "\u201c{}\u201d", "\u200b{}"]))
def test_near_duplicates_fall_on_one_side(values: list[str], pattern: str) -> None:
    worded = [f"w {value}" for value in values]
    copies = [pattern.format(value.swapcase() if value.isascii() else value) for value in worded]
    splits = split_by_hash(rows_of(worded + copies), text_of, FRACTIONS)
    side = {row.line: name for name, rows in splits.items() for row in rows}
    for line in range(1, len(worded) + 1):
        assert side[line] == side[line + len(worded)]


def test_fractions_are_met() -> None:
    splits = split_by_hash(rows_of([f"text {i}" for i in range(20_000)]), text_of, FRACTIONS)
    for name, fraction in FRACTIONS.items():
        assert len(splits[name]) / 20_000 == pytest.approx(fraction, abs=0.01)


def test_a_fraction_of_zero_is_empty_and_wrong_fractions_are_refused() -> None:
    splits = split_by_hash(rows_of(list("abcdefgh")), text_of, {"train": 0.5, "validation": 0.0, "test": 0.5})
    assert splits["validation"] == []
    for wrong in ({"train": 0.8, "test": 0.1}, {"train": 1.2, "test": -0.2}):
        with pytest.raises(ValueError, match="add up to 1"):
            split_by_hash([], text_of, wrong)


def test_the_ranges_are_half_open_over_the_sha256() -> None:
    words = [f"word {i}" for i in range(300)]
    place = {word: Fraction(int(hashlib.sha256(word.encode()).hexdigest(), 16), 2**256) for word in words}
    splits = split_by_hash(rows_of(words), text_of, FRACTIONS)
    assert [text_of(row) for row in splits["train"]] == [word for word in words if place[word] < 0.8]
    assert [text_of(row) for row in splits["validation"]] == [word for word in words if 0.8 <= place[word] < 0.9]
    assert [text_of(row) for row in splits["test"]] == [word for word in words if place[word] >= 0.9]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It's  FINE!", "it 's fine"),
        ("stra\u00dfe", "STRASSE"),
        ("\uff21\uff22\uff23 1", "abc\u00a01"),
        ("caf\u00e9", "cafe\u0301"),
        ("zero\u200bwidth", "zerowidth"),
        ("a\n b", "a b"),
    ],
)
def test_what_counts_as_the_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_distinct_texts_stay_distinct() -> None:
    distinct = ["你好", "你们好", "привет", "приветы", "مرحبا", "नमस्ते", "नमसत", "สวัสดี", "こんにちは"]
    marks = [":)", ":(", "!", "?", "\U0001f602", "\u2764\ufe0f", "\u2600\ufe0f", ""]
    assert len({normalise(text) for text in distinct + marks}) == len(distinct + marks)
    assert normalise("cat") != normalise("cats")


@given(st.text())
def test_normalise_is_one_line_and_folds_case(text: str) -> None:
    result = normalise(text)
    assert result == " ".join(result.split())
    assert normalise(result) == result
    assert bool(result) == any(not c.isspace() for c in result)


def test_leaks_leave_train_then_validation_and_never_test() -> None:
    splits = {
        "train": rows_of(["A!", "b", "c", "c", "d"]),
        "validation": rows_of(["b", "a", "e"]),
        "test": rows_of(["a", "A", "d"]),
    }
    kept, dropped = drop_leaks(splits, text_of)
    assert {name: [text_of(row) for row in rows] for name, rows in kept.items()} == {
        "train": ["c", "c"],
        "validation": ["b", "e"],
        "test": ["a", "A", "d"],
    }
    assert dropped == {"train": 3, "validation": 1, "test": 0}


@given(some_texts, some_texts, some_texts)
def test_after_dropping_no_split_shares_a_text(train: list[str], validation: list[str], test: list[str]) -> None:
    splits = {"train": rows_of(train), "validation": rows_of(validation), "test": rows_of(test)}
    kept, dropped = drop_leaks(splits, text_of)
    keys = {name: {normalise(text_of(row)) for row in rows} for name, rows in kept.items()}
    assert keys["train"].isdisjoint(keys["validation"] | keys["test"])
    assert keys["validation"].isdisjoint(keys["test"])
    assert kept["test"] == splits["test"]
    assert {name: len(splits[name]) - len(kept[name]) for name in splits} == dropped


def test_rows_without_a_text_are_no_duplicates_of_each_other() -> None:
    splits = {"train": rows_of(["", "a", " "]), "test": rows_of(["", "\u200b"])}
    for drop in (drop_leaks, drop_repeats):
        kept, dropped = drop(splits, text_of)
        assert kept == splits
        assert dropped == {"train": 0, "test": 0}


def test_leaks_without_a_validation_split() -> None:
    kept, dropped = drop_leaks({"train": rows_of(["a", "b"]), "test": rows_of(["b"])}, text_of)
    assert [text_of(row) for row in kept["train"]] == ["a"]
    assert dropped == {"train": 1, "test": 0}


def row(values: dict[str, Any], file: str = "x", line: int = 1) -> Row:
    return Row(values, file, line)


def test_fingerprint_is_of_values_alone() -> None:
    one = {"train": [row({"a": 1, "b": ["x", "\u00e9"]})], "test": [row({"a": 2.5})]}
    other = {"test": [row({"a": 2.5}, "y", 7)], "train": [row({"b": ["x", "\u00e9"], "a": 1}, "z", 9)]}
    assert fingerprint(one) == fingerprint(other)
    written = rb"""["test"]
{"a":2.5}
["train"]
{"a":1,"b":["x","\u00e9"]}
"""
    assert fingerprint(one) == hashlib.sha256(written).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        {"train": [row({"a": 1}), row({"a": 2})]},
        {"train": [row({"a": 2}), row({"a": 1}), row({"a": 3})]},
        {"train": [row({"a": 1}), row({"a": 2})], "test": [row({"a": 3})]},
        {"train": [row({"a": "1"}), row({"a": 2}), row({"a": 3})]},
        {"dev": [row({"a": 1}), row({"a": 2}), row({"a": 3})]},
        {"train": [row({"b": 1}), row({"a": 2}), row({"a": 3})]},
    ],
)
def test_any_change_changes_the_fingerprint(changed: dict[str, list[Row]]) -> None:
    original = {"train": [row({"a": 1}), row({"a": 2}), row({"a": 3})]}
    assert fingerprint(changed) != fingerprint(original)


def test_fingerprint_of_what_json_has_not() -> None:
    odd = [b"\x00", Decimal("1.10"), dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC)]
    prints = {fingerprint({"train": [row({"a": value})]}) for value in [*odd, "00", "1.10", "2020-01-02"]}
    assert len(prints) == 7


@given(some_texts, some_texts)
def test_repeats_leave_the_first_row_of_each_text(train: list[str], test: list[str]) -> None:
    rows = {"train": rows_of(train), "test": rows_of(test)}
    kept, dropped = drop_repeats(rows, text_of)
    for split, values in (("train", train), ("test", test)):
        first = dict(reversed([(normalise(value), line) for line, value in enumerate(values, start=1)]))
        assert sorted(row.line for row in kept[split]) == [row.line for row in kept[split]] == sorted(first.values())
        assert dropped[split] == len(values) - len(first)


def test_importing_sources_is_cheap() -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'huggingface_hub', 'pyarrow', 'numpy'}"
    code = f"import pefbench.sources, sys; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
