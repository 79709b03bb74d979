"""A row's values: texts, numbers and lists, and the error for a cell with anything else."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench.sources import Row

SHOWN = 60
"""How many characters of a value a message shows."""
MISSING = object()
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
WHOLE = re.compile(r"-?\d{1,15}\.0+", re.ASCII)


def wrong(row: Row, column: str, wanted: str, value: object = MISSING) -> DataError:
    """The error for a cell: its file and line, the user's name of its column, what it should be.

    value: what was found, if that is only a part of the cell.
    """
    found = row.values[column] if value is MISSING else value
    hint = "; write its decimal comma as a point" if "number" in wanted and has_decimal_comma(found) else ""
    return DataError(f"{row.where}: {row.name(column)} should be {wanted}, got {str(found)[:SHOWN]!r}{hint}")


def has_decimal_comma(value: object) -> bool:
    """Whether a value is a number with a decimal comma, as in French or German: ``3,5``."""
    return isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()) is not None


def text(row: Row, column: str) -> str:
    """A column's text. Raises DataError if it is not a text or is empty."""
    value = row.values[column]
    if not isinstance(value, str) or not value.strip():
        raise wrong(row, column, "a non-empty text")
    return value


def as_list(value: object) -> list[Any] | None:
    """A list, or the list that a text spells as JSON or as Python's repr; otherwise None."""
    if isinstance(value, str):
        value = _spelt(value.strip())
    return value if isinstance(value, list) else None


def _spelt(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # warnings about odd escapes
            return ast.literal_eval(text)  # reads only literals and runs nothing
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def number(value: Any) -> float:
    """The number that a value is or spells; NaN if it is not a finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def numeric(row: Row, column: str) -> float:
    """A column's number. Raises DataError unless it is finite."""
    value = row.values[column]
    found = math.nan if isinstance(value, bool) else number(value)
    if math.isnan(found):
        raise wrong(row, column, "a number")
    return found


def whole(value: Any) -> Any:
    """A whole number as int, even if written ``1.0``, as table libraries do if some values are missing.

    Any other value is returned unchanged.
    """
    if isinstance(value, str) and WHOLE.fullmatch(value.strip()):
        value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
