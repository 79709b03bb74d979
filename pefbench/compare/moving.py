"""The settings of a random search that its results place: they are drawn from ranges that move to the best.

The first part of the budget is drawn from the ranges as the file gives them. From then on, where the best setting so
far has the smallest or the largest number that was tried of a field, the next setting is drawn from a range beyond it,
as wide as the given one; where larger and smaller ones were tried, from the given range, or, where that does not hold
the best, from one around it. Each setting follows from those before it, their scores on validation and the seed, so a
comparison that is begun again goes on with the same ones.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from pefbench.compare.placing import FEWEST
from pefbench.search.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pefbench.results.verdict_schema import Setting
    from pefbench.search.ranges import Way

ATTEMPTS = 100


def drawn_first(trials: int | None) -> int:
    """How many settings of a budget are drawn from the ranges as they are given: half, three at least.

    None: of a budget of compute, whose settings are not counted, three.
    """
    return FEWEST if trials is None else min(trials, max(FEWEST, -(-trials // 2)))


def candidates(
    ways: Mapping[str, Way], tried: Sequence[Setting], values: Sequence[float | None], *, seed: int, higher: bool
) -> Iterator[Setting]:
    """Settings to try next, none of them tried before: from the moved ranges, then from those that were given.

    values: the score of each setting that was tried; None where it failed.
    """
    source = random.Random(f"{seed}/{len(tried)}")  # noqa: S311 - nothing secret
    scored = [(value if higher else -value, -place) for place, value in enumerate(values) if value is not None]
    best = tried[-max(scored)[1]] if scored else None
    moved = {field: _moved(way, best[field], tried, field) if best else way for field, way in ways.items()}
    for ranges in (moved, ways):
        for _ in range(ATTEMPTS):
            setting = {field: way.draw(source) for field, way in ranges.items()}
            if setting not in tried:
                yield setting


def _moved(way: Way, best: Any, tried: Sequence[Setting], field: str) -> Way:
    """A field's range, moved to the best setting's value."""
    if not isinstance(way, Range):
        return way
    numbers = {setting[field] for setting in tried}
    if len(numbers) >= FEWEST and best in (min(numbers), max(numbers)):
        return way.above(best) if best == max(numbers) else way.below(best)
    return way if way.low <= best <= way.high else way.around(best)
