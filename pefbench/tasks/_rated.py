"""What tasks share whose labels may be ratings: numbers whose sign and size say how positive a text is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.tasks._values import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import Row


def are_ratings(splits: Mapping[str, Sequence[Row]]) -> bool:
    """Return whether the labels are ratings: a number among them is not whole (classes may be numbered)."""
    return any(number(row.values["label"]) % 1 > 0 for rows in splits.values() for row in rows)


def rating(row: Row) -> tuple[Row, float]:
    """Return a row and its label's number. Raises DataError when it has none."""
    found = number(row.values["label"])
    if math.isnan(found):
        raise DataError(
            f"{row.where}: label should be a number, as other ratings, got {str(row.values['label'])[:60]!r}"
        )
    return row, found
