"""McNemar's exact test: whether two classifiers err equally often on the same examples.

McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947). Only the
examples count that one classifier has right and the other wrong; without a difference both kinds are equally likely (a
binomial test). The test compares one run of each method; with several seeds there is one test per seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class McNemar:
    """only_first, only_second: examples that only this one has right. p: two-sided and exact."""

    only_first: int
    only_second: int
    p: float


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Compare which examples two runs have right. Raises ValueError if the numbers of examples differ."""
    if len(first) != len(second):
        raise ValueError(f"outcomes of {len(first)} and of {len(second)} examples")
    only_first = sum(one and not other for one, other in zip(first, second, strict=True))
    only_second = sum(other and not one for one, other in zip(first, second, strict=True))
    discordant = only_first + only_second
    p = float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p)
