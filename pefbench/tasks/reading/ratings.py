"""Labels that are ratings: numbers whose sign and size say how positive a text is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import Row


def are_ratings(splits: Mapping[str, Sequence[Row]]) -> bool:
    """Whether the labels are ratings: a number among them is not whole (classes may be numbered)."""
    return any(values.number(row.values["label"]) % 1 > 0 for rows in splits.values() for row in rows)


def rating(row: Row) -> tuple[Row, float]:
    """A row and its label's number. Raises DataError when it has none."""
    found = values.number(row.values["label"])
    if math.isnan(found):
        raise values.wrong(row, "label", "a number, as other ratings")
    return row, found
