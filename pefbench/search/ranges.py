"""The distributions of a field's value in a random search: a choice of values, or a range of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError, suggest

if TYPE_CHECKING:
    import random

    from pefbench.yaml_text import Values

DIGITS = 3
"""Significant digits of a drawn number: precise enough, and readable."""
WAYS = ("choice", "uniform", "log_uniform")


@dataclass(frozen=True)
class Choice:
    """One of several equally likely values. It has no ends, so it never moves."""

    values: list[Any]

    def draw(self, source: random.Random) -> Any:
        """A value."""
        return source.choice(self.values)

    def ends(self) -> list[Any]:
        """All values."""
        return self.values

    def plain(self) -> Values:
        """As a file says it."""
        return {"choice": self.values}

    def part(self, value: Any, parts: int) -> int:
        """The index of the part that contains a value: each value is its own part."""
        del parts
        return self.values.index(value)


@dataclass(frozen=True)
class Range:
    """A number from a range, uniform in itself or in its logarithm. whole: only whole numbers."""

    low: float
    high: float
    log: bool
    whole: bool = False

    def draw(self, source: random.Random) -> float | int:
        """A number."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        drawn = source.uniform(low, high)
        return self.rounded(math.exp(drawn) if self.log else drawn)

    def rounded(self, number: float) -> float | int:
        """A number as a recipe has it: whole, or with three significant digits."""
        return round(number) if self.whole else float(f"{number:.{DIGITS}g}")

    def ends(self) -> list[Any]:
        """The lowest number and the highest."""
        return [self.rounded(self.low), self.rounded(self.high)]

    def plain(self) -> Values:
        """As a file says it."""
        return {"log_uniform" if self.log else "uniform": [self.low, self.high]}

    def part(self, value: float, parts: int) -> int:
        """The index of the part, out of `parts` equal ones, that contains a number; in the logarithm if `log`."""
        low, high, at = map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return max(0, min(parts - 1, int(parts * (at - low) / (high - low))))

    def above(self, number: float) -> Range:
        """A range as wide as this one (in the logarithm if `log`) that begins at the number."""
        return self._beside(number, 0.0)

    def below(self, number: float) -> Range:
        """A range as wide as this one that ends at the number."""
        return self._beside(number, 1.0)

    def around(self, number: float) -> Range:
        """A range as wide as this one with the number in its middle."""
        return self._beside(number, 0.5)

    def _beside(self, number: float, share: float) -> Range:
        """A range as wide as this one; `share` is the part of it below the number."""
        if self.log:
            factor = self.high / self.low
            return replace(self, low=number / factor**share, high=number * factor ** (1 - share))
        width = self.high - self.low
        return replace(self, low=number - width * share, high=number + width * (1 - share))


Way = Choice | Range


def way(given: Any, path: str, *, whole: bool = False) -> Way:
    """Parse one field's distribution. Raises RecipeError with a message that begins with `path`.

    whole: the field takes whole numbers.
    """
    if not isinstance(given, dict) or len(given) != 1:
        raise RecipeError(
            f"{path}: should be a list of values or one of {', '.join(f'{{{name}: [...]}}' for name in WAYS)}, "
            f"got {given!r}"
        )
    [(name, values)] = given.items()
    if name not in WAYS:
        raise RecipeError(f"{path}.{name}: unknown key; {suggest(str(name), WAYS)}")
    if not isinstance(values, list):
        raise RecipeError(f"{path}.{name}: should be a list, got {values!r}")
    if not values:
        raise RecipeError(f"{path}: is empty; give values, or {{log_uniform: [low, high]}}")
    if name == "choice":
        return Choice(values)
    low, high = _ends(values, f"{path}.{name}")
    if name == "log_uniform" and low <= 0:
        raise RecipeError(f"{path}.{name}: should start above 0, got {values!r}")
    return Range(low, high, log=name == "log_uniform", whole=whole)


def _ends(values: list[Any], path: str) -> tuple[float, float]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if len(values) != 2 or not numbers or not -math.inf < values[0] < values[1] < math.inf:
        raise RecipeError(f"{path}: should be two numbers, the lower first, got {values!r}")
    return float(values[0]), float(values[1])
