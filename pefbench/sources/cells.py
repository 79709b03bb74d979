"""Values in table cells: lists written as text, labels written as numbers, invisible characters."""

from __future__ import annotations

import ast
import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# A list of strings, numbers and None as written by Python's repr, or by numpy's, without commas. Nothing is evaluated.
ITEM = re.compile(
    r"""\s*(?P<item>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?|None)\s*(?P<end>,?)""", re.DOTALL
)
QUOTED_LIST = re.compile(r"""\[\s*(?:'|").*\]""", re.DOTALL)
LONGEST_NUMBER = 40  # characters; labels are shorter, and Python is slow with numbers of thousands of digits
BETWEEN = re.compile(r"[\s,;|]+")
"""Separators of several numeric labels in a cell."""
NUMBER = re.compile(r"-?\d{1,9}(?:\.0+)?", re.ASCII)
INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060\u00ad\u200e\u200f"))
NARROW_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2007"), " ")


def as_list(text: str) -> list[Any] | None:
    """The list that a text spells as JSON or as a Python literal: flat, of strings, numbers and nulls. Else None.

    Raises ValueError for a text that begins like a list of quoted strings and ends with a bracket but is not a list.
    """
    inside = text.strip()
    if not (inside.startswith("[") and inside.endswith("]")):
        return None
    found = _json_list(inside)
    if found is None:
        found = _literal_list(inside[1:-1])
    if found is None and QUOTED_LIST.fullmatch(inside):
        raise ValueError("neither JSON nor a Python list")
    return found


def _json_list(text: str) -> list[Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    flat = all(item is None or isinstance(item, str | int | float) for item in found)
    return found if flat else None


def _literal_list(inside: str) -> list[Any] | None:
    items: list[Any] = []
    at = 0
    while inside[at:].strip():
        match = ITEM.match(inside, at)
        if match is None or (match["item"][0] not in "'\"" and len(match["item"]) > LONGEST_NUMBER):
            return None
        try:
            items.append(ast.literal_eval(match["item"]))  # one quoted string or one number, by the pattern above
        except (ValueError, SyntaxError):  # such as '\x'
            return None
        at = match.end()
    return items or None


def named(value: Any, names: Sequence[str]) -> Any:
    """Replace a label's number, or those in a list, by names; None if it is missing (null or -1).

    A number may be written as text or as a whole float. Names stay unchanged. Raises ValueError for a number without a
    name.
    """
    if isinstance(value, str) and value not in names:
        value = _numbers(value)
    if isinstance(value, list):
        return [named(item, names) for item in value]
    if not isinstance(value, int | float) or isinstance(value, bool) or is_missing(value):
        return value
    if value == -1:
        return None
    if value < 0 or value >= len(names) or value % 1:
        raise ValueError(f"{value:g} is not the index of one of {len(names)} label names, counted from 0")
    return names[int(value)]


def _numbers(text: str) -> Any:
    """The number or list of numbers that a text spells, else the text."""
    if (listed := as_list(text)) is not None:
        return listed
    words = [word for word in BETWEEN.split(text.strip()) if word]
    if len(words) > 1 and all(NUMBER.fullmatch(word) for word in words):
        return words
    return float(text) if NUMBER.fullmatch(text.strip()) else text


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: null, NaN, or only white space and invisible characters."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.translate(INVISIBLE).strip())


def clean_name(name: str) -> str:
    """A column's name without invisible characters and surrounding white space."""
    return " ".join(name.translate(INVISIBLE).translate(NARROW_SPACES).split())


def clean_word(word: str) -> str:
    """A word without invisible characters and surrounding white space; unchanged if nothing else is left."""
    if word.isascii():
        return word.strip() or word
    return word.translate(INVISIBLE).translate(NARROW_SPACES).strip() or word


def excerpt(value: object, most: int) -> str:
    """The beginning of a value, for messages; only its type if it is nested too deeply to be written."""
    try:
        return (value if isinstance(value, str) else str(value))[:most]
    except (RecursionError, ValueError):  # ValueError: an integer of thousands of digits
        return f"a {type(value).__name__}"
