"""A row's values: texts, numbers and lists, and the error for a cell that holds something else."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench.sources import Row

SHOWN = 60
"""Characters of a value that a message shows."""
MISSING = object()


def wrong(row: Row, column: str, wanted: str, value: object = MISSING) -> DataError:
    """The error for a cell: its file and line, its column as the user's file names it, what it should be.

    value: what was found, where that is only a part of the cell.
    """
    found = row.values[column] if value is MISSING else value
    return DataError(f"{row.where}: {row.name(column)} should be {wanted}, got {str(found)[:SHOWN]!r}")


def text(row: Row, column: str) -> str:
    """A column's text. Raises DataError unless it has something to read."""
    value = row.values[column]
    if not isinstance(value, str) or not value.strip():
        raise wrong(row, column, "a non-empty text")
    return value


def as_list(value: object) -> list[Any] | None:
    """A list, or the JSON list that a text spells; None where it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def number(value: Any) -> float:
    """The number that a value is, or spells; NaN when it is none, or an infinite one."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def whole(value: Any) -> Any:
    """A whole number as int: table libraries make floats of those where some are missing. Else the value."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
