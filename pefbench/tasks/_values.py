"""What tasks take a row's values for: a text, a number, a whole number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench.sources import Row


def text(row: Row, column: str) -> str:
    """Return a column's text. Raises DataError unless it has something to read."""
    given = row.values[column]
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: {column} should be a text, got {str(given)[:60]!r}")
    return given


def number(given: Any) -> float:
    """Return the number that a value is, or spells; NaN when it is none, or an infinite one."""
    try:
        found = float(given)
    except (TypeError, ValueError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def whole(given: Any) -> Any:
    """Return a whole number as int: table libraries make floats of those where some are missing. Else the value."""
    return int(given) if isinstance(given, float) and given.is_integer() else given
