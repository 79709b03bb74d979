"""The space of a search: which fields of the recipe vary, and over which values.

A recipe defines it in its section ``search:``, by full field names or section by section::

    search:
      train.learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}
      method: {rank: [4, 8, 16], dropout: {uniform: [0, 0.2]}}

Without the section, the learning rate is searched over a decade on either side of the method's default, together with
the size that the method names in `Method.searched`.
"""

from __future__ import annotations

import json
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError, suggest
from pefbench.recipe import SECTIONS
from pefbench.search.ranges import WAYS, Choice, way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optuna import Trial
    from optuna.distributions import BaseDistribution

    from pefbench.methods import Method
    from pefbench.results.verdict_schema import Setting
    from pefbench.search.ranges import Way
    from pefbench.yaml_text import Values

DECADE = 10.0
MOST_LISTED = 10_000
"""A space with more settings is not listed."""
SEARCHABLE = ("method", "train", "model")
FIXED = ("method.name", "train.seed", "train.max_examples", "train.threads", "train.evaluate", "train.track")
"""Fields of these sections that must not vary: settings would be scored differently, or the noise would be searched."""


class Space:
    """The searched fields, each with its `Way`."""

    def __init__(self, ways: Mapping[str, Way]) -> None:
        self.ways = dict(ways)

    @classmethod
    def read(cls, given: Values, method: type[Method]) -> Space:
        """The space that a section defines; an empty section means the method's default. Raises RecipeError."""
        ranges = dict(_flat(given, "")) if given else default(method)
        ways = {}
        for field, values in ranges.items():
            _check(field, method)
            listed = {"choice": values} if isinstance(values, list) else values
            ways[field] = way(listed, f"search.{field}", whole=_is_whole(field, method))
        return cls(ways)

    @property
    def size(self) -> int | None:
        """The number of settings; None if a range makes it infinite."""
        total = 1
        for each in self.ways.values():
            if not isinstance(each, Choice):
                return None
            total *= len(each.values)
        return total

    def suggest(self, trial: Trial) -> Setting:
        """The setting that a study proposes for a trial."""
        return self.setting({field: _suggested(each, field, trial) for field, each in self.ways.items()})

    def distributions(self) -> dict[str, BaseDistribution]:
        """The distributions from which Optuna draws each field in `suggest`."""
        return {field: _distribution(each) for field, each in self.ways.items()}

    def every(self) -> list[Setting] | None:
        """Optuna's parameters of every setting; None if there are infinitely or too many."""
        values = [_values(each) for each in self.ways.values()]
        listed = [each for each in values if each is not None]
        if len(listed) < len(values) or prod(map(len, listed)) > MOST_LISTED:
            return None
        return [dict(zip(self.ways, setting, strict=True)) for setting in product(*listed)]

    def key(self, parameters: Mapping[str, Any]) -> str:
        """The key that identifies a setting; drawn numbers are rounded as in the recipe."""
        return json.dumps(self.setting(parameters))

    def parts(self, setting: Setting, number: int) -> dict[str, int]:
        """For each field, the index of the part of its range (out of `number`) that contains its value."""
        return {field: each.part(setting[field], number) for field, each in self.ways.items()}

    def categories(self) -> dict[str, list[Any]]:
        """The values that represent each field's values in a study; only for a space without ranges."""
        listed = {field: each.values for field, each in self.ways.items() if isinstance(each, Choice)}
        return {field: [_category(value) for value in values] for field, values in listed.items()}

    def setting(self, parameters: Mapping[str, Any]) -> Setting:
        """The setting that Optuna's parameters represent."""
        return {field: _value(each, parameters[field]) for field, each in self.ways.items()}

    def extremes(self) -> Iterator[Setting]:
        """Settings that together contain every listed value and both ends of every range."""
        ends = {field: each.ends() for field, each in self.ways.items()}
        for place in range(max(map(len, ends.values()))):
            yield {field: values[min(place, len(values) - 1)] for field, values in ends.items()}

    def plain(self) -> Values:
        """The space in a recipe's notation, for the record of a search."""
        return {field: each.plain() for field, each in self.ways.items()}


def default(method: type[Method]) -> Values:
    """The space for a method if its recipe has none."""
    rate = method.learning_rate
    ends = [float(f"{rate / DECADE:.3g}"), float(f"{rate * DECADE:.3g}")]
    sizes = {f"method.{option}": list(values) for option, values in method.searched.items()}
    return {"train.learning_rate": {"log_uniform": ends}, **sizes}


def _flat(given: Values, above: str) -> Iterator[tuple[str, Any]]:
    """The fields of nested sections with their full names."""
    for key, values in given.items():
        field = f"{above}{key}"
        if isinstance(values, dict) and not set(values) & {*WAYS} and field.count(".") == 0:
            yield from _flat(values, f"{field}.")
        else:
            yield field, values


def _check(field: str, method: type[Method]) -> None:
    """Raise RecipeError for a field that does not exist or must not be searched."""
    section, _, name = field.partition(".")
    if section not in SEARCHABLE or field in FIXED:
        allowed = ", ".join(f"{each}.*" for each in SEARCHABLE)
        raise RecipeError(f"search.{field}: may not be searched; valid: {allowed}, but not {', '.join(FIXED)}")
    fields = (method if section == "method" else SECTIONS[section]).model_fields
    if name not in fields:
        raise RecipeError(f"search.{field}: unknown field; {suggest(name, fields)}")


def _is_whole(field: str, method: type[Method]) -> bool:
    section, _, name = field.partition(".")
    fields = (method if section == "method" else SECTIONS[section]).model_fields
    return fields[name].annotation in {int, int | None}


def _suggested(given: Way, field: str, trial: Trial) -> Any:
    if isinstance(given, Choice):
        return trial.suggest_categorical(field, [_category(value) for value in given.values])
    if given.whole:
        return trial.suggest_int(field, round(given.low), round(given.high), log=given.log)
    return trial.suggest_float(field, given.low, given.high, log=given.log)


def _distribution(given: Way) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(given, Choice):
        return CategoricalDistribution([_category(value) for value in given.values])
    if given.whole:
        return IntDistribution(round(given.low), round(given.high), log=given.log)
    return FloatDistribution(given.low, given.high, log=given.log)


def _values(given: Way) -> Sequence[Any] | None:
    """The values that represent a field's values in a study; None if there are infinitely many."""
    if isinstance(given, Choice):
        return [*dict.fromkeys(_category(value) for value in given.values)]
    return range(round(given.low), round(given.high) + 1) if given.whole else None


def _category(value: Any) -> bool | int | float | str | None:
    """The representation of a value in a study: a list or a mapping becomes JSON."""
    return value if isinstance(value, bool | int | float | str) or value is None else json.dumps(value)


def _value(given: Way, parameter: Any) -> Any:
    if isinstance(given, Choice):
        return next(value for value in given.values if _category(value) == parameter)
    return given.rounded(parameter)


def override(field: str, value: Any) -> str:
    """A setting's value as an override of a recipe, ``train.learning_rate=0.001``."""
    return f"{field}={json.dumps(value, allow_nan=False)}"


def label(setting: Setting) -> str:
    """A setting as text, with short field names: ``learning_rate 0.001``."""
    return ", ".join(f"{field.rpartition('.')[2]} {shown(value)}" for field, value in setting.items())


def shown(value: Any) -> str:
    """A value as text."""
    return f"{value:g}" if isinstance(value, float) else str(value)
