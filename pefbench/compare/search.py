"""The settings that a method's tuning tries: every combination of lists, or draws by a seed.

Random search: Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization" (2012).
"""

from __future__ import annotations

import json
import math
import random
from itertools import product
from typing import TYPE_CHECKING, Any

from pefbench.compare.placing import FEWEST, is_number
from pefbench.errors import RecipeError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.results.verdict_schema import Setting

    Draw = Callable[[random.Random], Any]

ATTEMPTS = 1000
DIGITS = 3
"""Significant digits of a drawn number: enough, and it can be read."""


def settings(ranges: Mapping[str, Any], trials: int, seed: int, path: str) -> list[Setting]:
    """The settings that a method tries: `trials` different ones, or fewer of a list; the others are placed by results.

    Raises RecipeError, its message beginning with `path`, when there are others.

    ranges: recipe field -> a list of values, or one of the ways to draw. Lists and draws do not mix.
    """
    lists = [field for field, given in ranges.items() if isinstance(given, list)]
    if len(lists) == len(ranges):
        return _grid(ranges, trials, path)
    if lists:
        raise RecipeError(f"{path}.{lists[0]}: a list beside fields that are drawn; write {{choice: [...]}}")
    return _drawn({field: _way(given, f"{path}.{field}") for field, given in ranges.items()}, trials, seed, path)


def override(field: str, value: Any) -> str:
    """A setting's value as an override of a recipe, ``train.learning_rate=0.001``."""
    return f"{field}={json.dumps(value, allow_nan=False)}"


def edges(settings: Sequence[Setting], chosen: int) -> list[str]:
    """A note for each number that was chosen at an end of those tried: the best may lie beyond it.

    Of fewer than three values each is at an end, which tells nothing.
    """
    notes = []
    for field, value in settings[chosen].items():
        tried = {each[field] for each in settings if is_number(each[field])}
        if is_number(value) and len(tried) > 2 and value in (min(tried), max(tried)):
            end = "smallest" if value == min(tried) else "largest"
            notes.append(f"chose the {end} {field} that it tried, {_shown(value)}: a better one may lie beyond")
    return notes


def label(setting: Setting) -> str:
    """A setting for people, by the last names of its fields: ``learning_rate 0.001``."""
    return ", ".join(f"{field.rpartition('.')[2]} {_shown(value)}" for field, value in setting.items())


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _grid(ranges: Mapping[str, list[Any]], trials: int, path: str) -> list[Setting]:
    found = [dict(zip(ranges, values, strict=True)) for values in product(*ranges.values())]
    distinct = {json.dumps(setting, sort_keys=True) for setting in found}
    if len(distinct) > trials or (len(distinct) < trials and not _can_be_placed(ranges)):
        raise RecipeError(
            f"{path}: {len(distinct)} different settings, and each method has {trials} (trials); "
            "name as many, or fewer with a number of which three are tried: the others are then placed by the results; "
            "or draw them with {choice: [...]} or {log_uniform: [low, high]}"
        )
    return found


def _can_be_placed(ranges: Mapping[str, list[Any]]) -> bool:
    """Whether further settings can be placed by the results of these."""
    return any(len({value for value in values if is_number(value)}) >= FEWEST for values in ranges.values())


def _drawn(ways: Mapping[str, Draw], trials: int, seed: int, path: str) -> list[Setting]:
    source = random.Random(seed)  # noqa: S311 - nothing secret
    found: dict[str, Setting] = {}
    for _ in range(ATTEMPTS * trials):
        if len(found) == trials:
            break
        setting = {field: draw(source) for field, draw in ways.items()}
        found.setdefault(json.dumps(setting), setting)
    if len(found) < trials:
        raise RecipeError(f"{path}: holds {len(found)} different settings, and each method has {trials} (trials)")
    return list(found.values())


def _way(given: Any, path: str) -> Draw:
    """How to draw one field's value."""
    ways = {"choice": _choice, "uniform": _uniform, "log_uniform": _log_uniform}
    if not isinstance(given, dict) or len(given) != 1:
        raise RecipeError(
            f"{path}: should be a list of values or one of {', '.join(f'{{{way}: [...]}}' for way in ways)}, "
            f"got {given!r}"
        )
    [(way, values)] = given.items()
    if way not in ways:
        raise RecipeError(f"{path}.{way}: unknown key; {suggest(str(way), ways)}")
    if not isinstance(values, list) or not values:
        raise RecipeError(f"{path}.{way}: should be a list, got {values!r}")
    return ways[way](values, f"{path}.{way}")


def _choice(values: list[Any], path: str) -> Draw:  # noqa: ARG001 - any value may be chosen; the recipe checks it
    return lambda source: source.choice(values)


def _uniform(values: list[Any], path: str) -> Draw:
    low, high = _ends(values, path)
    return lambda source: _round(source.uniform(low, high))


def _log_uniform(values: list[Any], path: str) -> Draw:
    low, high = _ends(values, path)
    if low <= 0:
        raise RecipeError(f"{path}: should begin above 0, got {values!r}")
    return lambda source: _round(math.exp(source.uniform(math.log(low), math.log(high))))


def _ends(values: list[Any], path: str) -> tuple[float, float]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if len(values) != 2 or not numbers or not -math.inf < values[0] < values[1] < math.inf:
        raise RecipeError(f"{path}: should be two numbers, the lower first, got {values!r}")
    return float(values[0]), float(values[1])


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
