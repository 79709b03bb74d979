"""Mean score: the mean of the training texts' scores, for every text."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import RegressionExample


def mean_score(train: Sequence[RegressionExample], test: Sequence[RegressionExample]) -> list[float]:
    """The mean score; its correlation with anything counts as 0."""
    return [fmean(example.score for example in train)] * len(test)


BASELINE = mean_score
