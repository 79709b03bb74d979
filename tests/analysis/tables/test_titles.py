"""The titles of groups: unique, and no longer than necessary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pefbench.analysis.tables.titles import titles


def test_a_title_says_what_tells_a_group_from_others() -> None:
    known = [
        ("ner", "minilm", "1,000 training examples", "data a"),
        ("ner", "minilm", "1,000 training examples", "data b"),
        ("ner", "minilm", "1,926 training examples", "data c"),
        ("topic", "minilm", "1,000 training examples", "data d"),
    ]
    assert titles(known) == [
        "ner · minilm · 1,000 training examples · data a",
        "ner · minilm · 1,000 training examples · data b",
        "ner · minilm · 1,926 training examples",
        "topic · minilm",
    ]


def test_what_all_of_them_have_is_left_out() -> None:
    assert titles([("ner", "minilm", "x", "bf16"), ("ner", "minilm", "x", "fp32")]) == [
        "ner · minilm · bf16",
        "ner · minilm · fp32",
    ]


@given(st.sets(st.tuples(*[st.sampled_from("ab")] * 5), min_size=1))
def test_no_two_groups_are_called_alike(known: set[tuple[str, ...]]) -> None:
    assert len({*titles([*known])}) == len(known)
