"""The settings that a method places by its results: the last of its budget, where the range moves to the best.

Where the best setting so far has a number at an end of those that were tried, the next setting lies beyond that end, a
step further; else it lies between the best and one of its neighbours. That is the one that is clearly further away, as
after a setting between the best and the other one was no better; else the one that scored better, or the larger where
they are equal: a learning rate is best a little below the one at which training fails. The budget stays the same, and
so does every setting: it follows from those before it and their scores on validation.

Over simulated curves of learning rates (`python -m benchmarks.placed_settings`) five settings lose less so than where
the neighbour that scored better is always taken, which never looks between the best rate and one that fails.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.results.verdict_schema import Setting

    Number = int | float

FEWEST = 3
"""Values of a number that must have been tried before it is moved: of two each is at an end, which tells nothing."""
DIGITS = 3
FURTHER = 1.5
"""So many times as far away, a neighbour is further away than the other."""


def candidates(tried: Sequence[Setting], values: Sequence[float | None], *, higher: bool) -> Iterator[Setting]:
    """Settings to try next, the most promising first, none of them tried before; it may be that none is left.

    values: the score of each setting that was tried; None where it failed.
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
    """Whether a value of a setting is a number that may be moved."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(tried: Sequence[Setting], field: str) -> list[Number]:
    return sorted({each[field] for each in tried if is_number(each[field])})


def _best_of(
    tried: Sequence[Setting], values: Sequence[float | None], field: str, *, higher: bool
) -> dict[Number, float]:
    """The best score of each value of a field; a failed one is the worst."""
    found: dict[Number, float] = {}
    for setting, value in zip(tried, values, strict=True):
        signed = -math.inf if value is None else value if higher else -value
        found[setting[field]] = max(found.get(setting[field], -math.inf), signed)
    return found


def _beyond(at: Number, numbers: Sequence[Number]) -> Iterator[Number]:
    """A step beyond the end of what was tried, where the best lies there: as far as to its neighbour."""
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
    """A number that can be read, whole where the others are."""
    return max(1, round(value)) if isinstance(like, int) else float(f"{value:.{DIGITS}g}")
