"""The settings that a method's tuning tries: every combination of listed values, or seeded random draws.

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
    """The settings that a method tries first; the rest of its budget is placed by their results.

    Raises RecipeError, with a message that begins with `path`, if there cannot be `trials` different settings.

    ranges: recipe field -> a list of values or a distribution; the two do not mix. trials: the number of settings in
    the budget; None: the budget is compute. whole: fields that take whole numbers.
    """
    lists = [field for field, given in ranges.items() if isinstance(given, list)]
    if len(lists) == len(ranges):
        return _grid(ranges, trials, path)
    if lists:
        raise RecipeError(f"{path}.{lists[0]}: a list cannot be mixed with drawn fields; write {{choice: [...]}}")
    return _drawn(ways(ranges, path, whole), trials, seed, path)


def ways(ranges: Mapping[str, Any], path: str, whole: Container[str] = ()) -> dict[str, Way]:
    """The distribution of each searched field. Raises RecipeError as `settings` does."""
    return {field: way(given, f"{path}.{field}", whole=field in whole) for field, given in ranges.items()}


def is_drawn(ranges: Mapping[str, Any]) -> bool:
    """Whether the settings of a search are drawn rather than listed."""
    return not any(isinstance(given, list) for given in ranges.values())


def edges(settings: Sequence[Setting], chosen: int) -> list[str]:
    """A note for each chosen number that is the smallest or largest of those tried: the best may lie beyond it.

    With fewer than three values each is at an end, so that says nothing.
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
    if trials is None:  # their cost is checked once the data is read: see `Budget.check`
        return found
    if len(found) > trials or (len(found) < trials and not _can_be_placed(ranges)):
        raise RecipeError(
            f"{path}: {len(found)} different settings, but each method tries {trials} (trials); list as many, or "
            "fewer with three values or more of a number, so that the others follow from the results; or draw them "
            "with {choice: [...]} or {log_uniform: [low, high]}"
        )
    return found


def _can_be_placed(ranges: Mapping[str, list[Any]]) -> bool:
    """Whether further settings can be placed by results: that needs a number with at least three values."""
    return any(len({value for value in values if is_number(value)}) >= FEWEST for values in ranges.values())


def _drawn(ways: Mapping[str, Way], trials: int | None, seed: int, path: str) -> list[Setting]:
    """The settings drawn from the given ranges, which are only part of the budget: see `drawn_first`."""
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
