"""The trials of a comparison: each setting with each tuning seed, then each method's choice with each seed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pefbench.compare.file import load_comparison, recipe_of
from pefbench.compare.search import label
from pefbench.errors import DataError
from pefbench.results.store import read_result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.compare.search import Setting
    from pefbench.recipe import Recipe
    from pefbench.results.schema import Result

    Status = Literal["finished", "failed", "missing"]

TUNING = ("validation",)
FINAL = ("validation", "test")


@dataclass(frozen=True)
class Planned:
    """One trial. setting: the number of its setting among the method's. scored: the splits that it may predict."""

    method: str
    setting: int
    seed: int
    scored: tuple[str, ...]
    recipe: Recipe
    text: str

    def request(self, out: Path) -> dict[str, Any]:
        """Return what a worker is told."""
        return {
            "recipe": self.recipe.resolved(),
            "scored": list(self.scored),
            "out": str(out),
            "arguments": sys.argv[1:],
        }


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    finished: its result is there. failed: it cannot finish, its loss having diverged, so it is not run again.
    missing: it did not run, or did not get to its end. error: why not, where that is known.
    """

    planned: Planned
    path: Path
    status: Status
    result: Result | None
    error: str | None = None


class Plan:
    """A comparison file, its settings and its trials."""

    def __init__(self, file: Path, overrides: Sequence[str] = ()) -> None:
        self.comparison, self.settings = load_comparison(file, overrides)
        self.base, self.overrides = file.parent / self.comparison.recipe, tuple(overrides)

    def tuning(self) -> list[Planned]:
        """Return the tuning trials, the methods taking turns, so that a run that is cut short has some of each."""
        return [
            self._planned(method, number, seed, TUNING)
            for number in range(self.comparison.trials)
            for method in self.comparison.methods
            for seed in self.comparison.tuning_seeds
        ]

    def final(self, method: str, setting: int) -> list[Planned]:
        """Return a method's final trials with one of its settings."""
        return [self._planned(method, setting, seed, FINAL) for seed in self.comparison.seeds]

    def _planned(self, method: str, number: int, seed: int, scored: tuple[str, ...]) -> Planned:
        setting: Setting = self.settings[method][number]
        recipe = recipe_of(self.comparison, self.base, method, setting, seed, self.overrides)
        kind = "final" if scored == FINAL else "tuning"
        return Planned(method, number, seed, scored, recipe, f"{kind} {method}, {label(setting)}, seed {seed}")


def read_outcome(planned: Planned, path: Path, error: str | None = None) -> Outcome:
    """Return what became of a trial, by the result file where it would lie; `error`: what its process said."""
    try:
        result = read_result(path) if path.exists() else None
    except DataError as damaged:
        return Outcome(planned, path, "missing", None, str(damaged))
    if result is None:
        return Outcome(planned, path, "missing", None, error)
    if result["status"] == "finished":
        return Outcome(planned, path, "finished", result)
    diverged = result.get("error_type") == "DivergedError"
    return Outcome(planned, path, "failed" if diverged else "missing", result, error or result["error"])
