"""Words are read as in YAML 1.2, and invalid YAML is refused in one line."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pefbench.errors import RecipeError
from pefbench.yaml_text import parse


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *(("010", 10), ("08", 8), ("-007", -7), ("+1", 1), ("0o10", 8), ("0x1F", 31)),
        *(("2e-3", 0.002), ("2.e3", 2000.0), (".5", 0.5), ("1.", 1.0), ("0010.5", 10.5), ("-.INF", -math.inf)),
        *(("true", True), ("True", True), ("FALSE", False), ("~", None), ("Null", None), ("", None)),
    ],
)
def test_numbers_and_words_of_the_core_schema(word: str, value: Any) -> None:
    found = parse(f"a: {word}\n")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "word",
    [
        *("on", "off", "yes", "no", "y", "n", "Yes", "tRue", "nULL"),
        *("1_000", "1:30", "1:30.5", "0b11", "0o9", "0x", "2024-01-01", "1e", "1.2.3", "="),
    ],
)
def test_everything_else_is_a_text(word: str) -> None:
    assert parse(f"a: {word}\n{word}: 1\n") == {"a": word, word: 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: !!int x\n", "^2: invalid literal for int"),
        (f"a: {'9' * 5000}\n", "^1: a number with too many digits$"),
        ("a: {<<: {b: 1}}\n", "^1: << is not supported"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse(text)
