"""The settings that a method's tuning tries: every combination of lists, or draws by a seed.

Random search: Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization" (2012).
"""

from __future__ import annotations

import json
import random
from itertools import product
from typing import TYPE_CHECKING, Any

from pefbench.compare.moving import drawn_first
from pefbench.compare.placing import FEWEST, is_number
from pefbench.errors import RecipeError
from pefbench.search.ranges import way
from pefbench.search.space import shown

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from pefbench.results.verdict_schema import Setting
    from pefbench.search.ranges import Way

ATTEMPTS = 1000


def settings(
    ranges: Mapping[str, Any], trials: int | None, seed: int, path: str, whole: Container[str] = ()
) -> list[Setting]:
    """The settings that a method tries first; the others of its budget are placed by their results.

    Raises RecipeError, its message beginning with `path`, when there cannot be `trials` different ones.

    ranges: recipe field -> a list of values, or one of the ways to draw. Lists and draws do not mix. trials: how many
    settings the budget has; None: it is one of compute. whole: fields that take whole numbers.
    """
    lists = [field for field, given in ranges.items() if isinstance(given, list)]
    if len(lists) == len(ranges):
        return _grid(ranges, trials, path)
    if lists:
        raise RecipeError(f"{path}.{lists[0]}: a list beside fields that are drawn; write {{choice: [...]}}")
    return _drawn(ways(ranges, path, whole), trials, seed, path)


def ways(ranges: Mapping[str, Any], path: str, whole: Container[str] = ()) -> dict[str, Way]:
    """How to draw each field of a search. Raises RecipeError as `settings` does."""
    return {field: way(given, f"{path}.{field}", whole=field in whole) for field, given in ranges.items()}


def is_drawn(ranges: Mapping[str, Any]) -> bool:
    """Whether the settings of a search are drawn, not listed."""
    return not any(isinstance(given, list) for given in ranges.values())


def edges(settings: Sequence[Setting], chosen: int) -> list[str]:
    """A note for each number that was chosen at an end of those tried: the best may lie beyond it.

    Of fewer than three values each is at an end, which tells nothing.
    """
    notes = []
    for field, value in settings[chosen].items():
        tried = {each[field] for each in settings if is_number(each[field])}
        if is_number(value) and len(tried) > 2 and value in (min(tried), max(tried)):
            end = "smallest" if value == min(tried) else "largest"
            notes.append(f"chose the {end} {field} that it tried, {shown(value)}: a better one may lie beyond")
    return notes


def _grid(ranges: Mapping[str, list[Any]], trials: int | None, path: str) -> list[Setting]:
    every = [dict(zip(ranges, values, strict=True)) for values in product(*ranges.values())]
    found = [*{json.dumps(setting): setting for setting in every}.values()]
    if trials is None:  # what they cost is known with the data: see `Budget.check`
        return found
    if len(found) > trials or (len(found) < trials and not _can_be_placed(ranges)):
        raise RecipeError(
            f"{path}: {len(found)} different settings, but each method tries {trials} (trials); list as many, or "
            "fewer with three values or more of a number, so that the others follow from the results; or draw them "
            "with {choice: [...]} or {log_uniform: [low, high]}"
        )
    return found


def _can_be_placed(ranges: Mapping[str, list[Any]]) -> bool:
    """Whether further settings can be placed by the results of these."""
    return any(len({value for value in values if is_number(value)}) >= FEWEST for values in ranges.values())


def _drawn(ways: Mapping[str, Way], trials: int | None, seed: int, path: str) -> list[Setting]:
    """The settings that are drawn from the ranges as they are given: a part of the budget, see `drawn_first`."""
    source = random.Random(seed)  # noqa: S311 - nothing secret
    wanted = FEWEST if trials is None else trials
    found: dict[str, Setting] = {}
    for _ in range(ATTEMPTS * wanted):
        if len(found) == wanted:
            break
        setting = {field: each.draw(source) for field, each in ways.items()}
        found.setdefault(json.dumps(setting), setting)
    if trials is not None and len(found) < trials:
        raise RecipeError(f"{path}: has {len(found)} different settings, but each method tries {trials} (trials)")
    return [*found.values()][: drawn_first(trials)]
