"""Labels that are ratings: numbers whose sign and size state how positive a text is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import Row


def are_ratings(splits: Mapping[str, Sequence[Row]]) -> bool:
    """Whether the labels are ratings: one of them is not a whole number (classes may be numbered).

    Numbers with decimal commas also count, so that `rating` can report them.
    """
    labels = [row.values["label"] for rows in splits.values() for row in rows]
    if any(values.number(label) % 1 > 0 for label in labels):
        return True
    commas = [values.has_decimal_comma(label) for label in labels]
    return any(commas) and all(
        comma or math.isfinite(values.number(label)) for comma, label in zip(commas, labels, strict=True)
    )


def check_signs(rated: Sequence[tuple[Row, float]]) -> None:
    """Raise DataError if all training ratings have the same sign, so they are not ratings around 0."""
    ratings = [rating for _, rating in rated]
    if not ratings or min(ratings) < 0 < max(ratings):
        return
    row, first = next(each for each in rated if each[1] % 1 > 0) if any(each % 1 > 0 for each in ratings) else rated[0]
    raise DataError(
        f"{row.where}: {row.name('label')} {first:g} is not a whole number, so the labels were read as ratings "
        f"around 0, but none is {'negative' if min(ratings) >= 0 else 'positive'}; turn other scores, such as 0 to 1 "
        f"or half stars, into classes first"
    )


def rating(row: Row) -> tuple[Row, float]:
    """A row and its label as a number. Raises DataError if it is not one."""
    found = values.number(row.values["label"])
    if math.isnan(found):
        raise values.wrong(row, "label", "a number, as other ratings")
    return row, found
