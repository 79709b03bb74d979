"""Near duplicates across splits, compared with checking every pair."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.sources import Row, count_near_duplicates, drop_near_duplicates, normalise
from pefbench.sources.near_duplicates import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]), max_size=12).map(" ".join)
SPLITS = st.fixed_dictionaries({name: st.lists(WORDS, max_size=8) for name in ("train", "validation", "test")})


def rows(texts: Sequence[str]) -> list[Row]:
    return [Row({"text": text}, "x", i) for i, text in enumerate(texts, start=1)]


def text_of(row: Row) -> str:
    return str(row.values["text"])


def are_near(one: str, other: str) -> bool:
    first, second = ({*normalise(text).split()} for text in (one, other))
    return bool(first and second) and 5 * len(first & second) >= 4 * len(first | second)


@settings(max_examples=300)
@given(SPLITS)
def test_all_pairs_are_found_and_no_others(texts: dict[str, list[str]]) -> None:
    found = near_duplicates({name: rows(each) for name, each in texts.items()}, text_of)
    for (split, other), places in found.items():
        assert places == {
            place for place, text in enumerate(texts[split]) if any(are_near(text, each) for each in texts[other])
        }


def test_a_changed_word_of_ten_is_near_and_of_four_is_not() -> None:
    ten, four = "How many of the people there can still sing today ?", "Who wrote this book ?"
    splits = {
        "train": rows([ten, four, "Nothing of the kind ."]),
        "validation": rows(["who wrote, this book!", "no"]),
        "test": rows([ten.replace("sing", "dance"), four.replace("book", "song")]),
    }
    assert count_near_duplicates(splits, text_of) == {"validation": 1, "test": 1}
    kept, dropped = drop_near_duplicates(splits, text_of)
    assert dropped == {"train": 2, "validation": 0, "test": 0}
    assert [text_of(row) for row in kept["train"]] == ["Nothing of the kind ."]
    assert count_near_duplicates(kept, text_of) == {"validation": 0, "test": 0}


def test_validation_that_is_near_test_is_dropped_too() -> None:
    splits = {"train": rows(["x"]), "validation": rows(["a b c d e", "y"]), "test": rows(["e d c b a"])}
    assert drop_near_duplicates(splits, text_of)[1] == {"train": 0, "validation": 1, "test": 0}


def test_scripts_without_spaces_are_compared_by_letters() -> None:
    splits = {"train": rows(["我今天去图书馆看书"]), "validation": rows(["再见"]), "test": rows(["我今天去图书馆看报"])}
    assert count_near_duplicates(splits, text_of) == {"validation": 0, "test": 1}


def test_texts_without_words_are_no_duplicates() -> None:
    splits = {"train": rows([""]), "validation": rows(["", " "]), "test": rows([""])}
    assert count_near_duplicates(splits, text_of) == {"validation": 0, "test": 0}


def test_twenty_thousand_texts_take_a_second_or_two() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(map(str, row)) for row in random.zipf(1.3, (20_000, 25)).clip(max=30_000).tolist()]
    splits = {"train": rows(texts[:16_000]), "validation": rows(texts[16_000:18_000]), "test": rows(texts[18_000:])}
    started = time.process_time()
    count_near_duplicates(splits, text_of)
    assert time.process_time() - started < 6  # 1.5 s alone
