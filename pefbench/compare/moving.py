"""Random search whose ranges move towards the best setting.

The first part of the budget is drawn from the ranges in the file. After that, each range depends on the best setting
so far. If its value of a field is the smallest or largest that was tried, the next value is drawn from a range beyond
it, as wide as the given one. Otherwise it is drawn from the given range, or, if that does not contain the best value,
from a range around it. Each setting follows from the earlier ones, their validation scores and the seed, so a
restarted comparison continues with the same settings.
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
    """How many settings of a budget are drawn from the given ranges: half, but at least three.

    None: the budget is compute, which does not count settings; then three.
    """
    return FEWEST if trials is None else min(trials, max(FEWEST, -(-trials // 2)))


def candidates(
    ways: Mapping[str, Way], tried: Sequence[Setting], values: Sequence[float | None], *, seed: int, higher: bool
) -> Iterator[Setting]:
    """Untried settings to try next: from the moved ranges, then from the given ones.

    values: the score of each tried setting; None if it failed.
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
