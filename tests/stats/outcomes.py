"""Runs with right and wrong examples, and cases of seeds whose scores happen to be alike."""

from __future__ import annotations

import numpy as np

from pefbench.stats.resampling import Scores, resample

Rows = list[list[float]]

SEEDS_ALIKE = [
    ([{0}, {1}, {2}], [{3, 4}, {5, 6}, {7, 8}], 100, 0.0100),
    (
        [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}],
        [{9, 10, 11, 12}, {13, 14, 15, 16}, {17, 18, 19, 20}],
        247,
        0.00619,
    ),
]
"""What two methods get wrong, by seed; the number of examples; the standard error that the examples alone explain."""


def outcomes(wrong: list[set[int]], examples: int) -> Rows:
    """Right (1) or wrong (0), by seed and example."""
    return [[0.0 if place in missed else 1.0 for place in range(examples)] for missed in wrong]


def scores(rows: object, resamples: int = 4000) -> Scores:
    """The scores of runs whose outcomes, (seeds, examples), are averaged."""
    found = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    runs = [lambda weights, row=row: weights @ row / weights.sum(axis=1) for row in found]
    return resample(runs, found.shape[1], resamples=resamples)
