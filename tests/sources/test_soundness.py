"""Text that no tokenizer can read is a bad row, reported with file, line and the user's column."""

from __future__ import annotations

from typing import Any

import pytest

from pefbench.errors import DataError
from pefbench.sources.rows import BadRows, Row
from pefbench.sources.soundness import sound_rows
from tests.sources.refusals import refusal


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("so nice \ud83d", "a lone surrogate (\\ud83d)"),
        (["a", "b\udc00"], "a lone surrogate (\\udc00)"),
        (["a\ud83d", "\ude00"], "a lone surrogate (\\ud83d)"),  # halves of one character in two words
        (["a", 1, "b\0"], "a NUL character"),
        ({"text": ["\udfff"]}, "a lone surrogate (\\udfff)"),
        ("a\0b", "a NUL character"),
        (nested(40), "lists nested more than 32 deep"),
    ],
)
def test_a_value_that_is_not_sound(value: Any, why: str) -> None:
    rows = [
        Row({"Text": "fine \U0001f600", "other": value}, "x.jsonl", 1),
        Row({"Text": value, "other": ""}, "x.jsonl", 2),
    ]
    message = refusal(DataError, sound_rows, rows, ["Text"], BadRows())
    assert message == f"x.jsonl:2: {why} in 'Text'"
    bad = BadRows(skip=True)
    assert sound_rows(rows, ["Text"], bad) == rows[:1]
    assert bad.found == [f"x.jsonl:2: {why} in 'Text'"]
