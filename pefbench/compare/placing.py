"""Placed settings: the last settings of a method's budget, chosen near the best one so far by validation results.

If a number of the best setting is the smallest or largest that was tried, the next setting lies one step beyond it.
Otherwise the next setting lies between the best and one of its two neighbours: the one that is clearly further away
(for example, after a setting on the other side of the best was no better); if neither is, the one that scored better;
if both scored the same, the larger, because a learning rate is best a little below the one at which training fails.
The budget stays the same. Placing is deterministic: a setting follows from the earlier ones and their validation
scores.

On simulated learning-rate curves (`python -m benchmarks.placed_settings`), five settings chosen this way lose less
than if the better-scoring neighbour is always taken: that rule never looks between the best rate and one that fails.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.results.verdict_schema import Setting

    Number = int | float

FEWEST = 3
"""Values of a number that must be tried before it is moved: of only two, each is at an end, so that says nothing."""
DIGITS = 3
FURTHER = 1.5
"""A neighbour is clearly further away if its distance is more than this many times that of the other."""


def candidates(tried: Sequence[Setting], values: Sequence[float | None], *, higher: bool) -> Iterator[Setting]:
    """Untried settings to try next, the most promising first; there may be none.

    values: the score of each tried setting; None if it failed.
    """
    scored = [(value if higher else -value, -place) for place, value in enumerate(values) if value is not None]
    if not scored:
        return
    best = tried[-max(scored)[1]]
    moves = {field: _numbers(tried, field) for field in best if is_number(best[field])}
    moves = {field: numbers for field, numbers in moves.items() if len(numbers) >= FEWEST}
    beyond = [(field, new) for field, numbers in moves.items() for new in _beyond(best[field], numbers)]
    score = {field: _best_of(tried, values, field, higher=higher) for field in moves}
    between = [(field, new) for field, numbers in moves.items() for new in _between(best[field], numbers, score[field])]
    for field, new in [*beyond, *between]:
        setting = {**best, field: new}
        if setting not in tried:
            yield setting


def is_number(value: object) -> bool:
    """Whether a value is a number, which can be moved; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(tried: Sequence[Setting], field: str) -> list[Number]:
    return sorted({each[field] for each in tried if is_number(each[field])})


def _best_of(
    tried: Sequence[Setting], values: Sequence[float | None], field: str, *, higher: bool
) -> dict[Number, float]:
    """The best score of each value of a field, signed so that higher is better; a failed trial scores -inf."""
    found: dict[Number, float] = {}
    for setting, value in zip(tried, values, strict=True):
        signed = -math.inf if value is None else value if higher else -value
        found[setting[field]] = max(found.get(setting[field], -math.inf), signed)
    return found


def _beyond(at: Number, numbers: Sequence[Number]) -> Iterator[Number]:
    """If the best value is at an end, the value one step beyond it; the step is the distance to its neighbour."""
    if at in (numbers[0], numbers[-1]):
        neighbour = numbers[1] if at == numbers[0] else numbers[-2]
        yield _rounded(at * at / neighbour if numbers[0] > 0 else 2 * at - neighbour, at)


def _between(at: Number, numbers: Sequence[Number], score: dict[Number, float]) -> Iterator[Number]:
    place = numbers.index(at)
    beside = [numbers[each] for each in (place - 1, place + 1) if 0 <= each < len(numbers)]
    far = {each: abs(math.log(each / at)) if numbers[0] > 0 else abs(each - at) for each in beside}
    further = FURTHER * min(far.values())
    for neighbour in sorted(beside, key=lambda each: (far[each] <= further, -score[each], -each)):
        yield _rounded(math.sqrt(at * neighbour) if numbers[0] > 0 else (at + neighbour) / 2, at)


def _rounded(value: float, like: Number) -> Number:
    """The number in three digits; whole if `like` is."""
    return max(1, round(value)) if isinstance(like, int) else float(f"{value:.{DIGITS}g}")
