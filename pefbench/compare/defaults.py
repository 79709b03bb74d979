"""Defaults for a method that the comparison file only names: its default options, tuned over the learning rate.

The rates have the same spacing around each method's own default, so that no method is searched more widely or more
finely than another. Further settings of the budget are placed by the results (see `placing`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pefbench.compare.placing import FEWEST
from pefbench.errors import RecipeError, quoted, suggest
from pefbench.registry import find, names
from pefbench.search.space import DECADE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.yaml_text import Values

SPACING = math.sqrt(10)
"""Ratio between neighbouring rates: half a decade. Placed rates lie between these, or beyond by the same ratio.

A full decade skips the rates that work. With LoRA on software entities, 1e-3 predicts O for every word (so does
PEFT's own training), 1e-4 learns next to nothing in the same number of steps, and 3e-4 learns.
"""


def with_defaults(raw: Mapping[str, Any]) -> Values:
    """A comparison file's values with `method` and `search` filled in for each method. Raises RecipeError.

    In the file, `methods` may be a list of names, or a mapping whose values leave out either or both.
    """
    if "methods" not in raw:
        return {**raw}  # validation says so
    methods, trials = raw["methods"], raw.get("trials", 5)
    if not isinstance(methods, list | dict):
        raise RecipeError(f"methods: should be a list, as in [full, lora], or a mapping, got {quoted(methods)}")
    if len(methods) < 2:
        raise RecipeError(f"methods: should be two or more, got {quoted(methods)}")
    methods = _listed(methods) if isinstance(methods, list) else methods
    trials = trials if isinstance(trials, int) else 5  # validation says what is wrong with another
    drawn = raw.get("search") is not None
    entries = {name: _entry(str(name), given, trials, drawn=drawn) for name, given in methods.items()}
    return {**raw, "methods": entries}


def rates(default: float, trials: int) -> list[float]:
    """The learning rates of a search around a method's default: three, or fewer if there are fewer trials."""
    count = min(max(trials, 1), FEWEST)
    return [float(f"{default * SPACING ** (place - (count - 1) / 2):.3g}") for place in range(count)]


def _listed(methods: list[Any]) -> dict[str, None]:
    for place, name in enumerate(methods):
        if not isinstance(name, str) or name in methods[:place]:
            raise RecipeError(f"methods.{place}: should be the name of a method that is not listed above, got {name!r}")
    return dict.fromkeys(methods)


def _entry(name: str, given: Any, trials: int, *, drawn: bool) -> Any:
    """One method's entry with defaults filled in; a value of the wrong type is left for validation to reject."""
    entry = {} if given is None else given
    if not isinstance(entry, dict):
        return given
    if "method" not in entry and name not in names("method"):
        raise RecipeError(f"methods.{name}.method: missing, and {name} is no method; {suggest(name, names('method'))}")
    entry = {"method": {"name": name}, **entry}
    chosen = entry["method"].get("name") if isinstance(entry["method"], dict) else None
    # The recipe rejects an unknown method later.
    default = find("method", str(chosen)).learning_rate if chosen in names("method") else 1.0
    values: object = rates(default, trials)
    if drawn:  # the range of `pefbench search`, but without the method's size: all methods search one field
        values = {"log_uniform": [float(f"{default / DECADE:.3g}"), float(f"{default * DECADE:.3g}")]}
    return {"search": {"train.learning_rate": values}, **entry}
