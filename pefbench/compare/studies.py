"""Tuning of a comparison by Optuna: one study per method, each with the same budget of training examples.

A run that is stopped early costs only the examples that it has seen, so the budget pays for more settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.compare.file import space_of
from pefbench.errors import RecipeError
from pefbench.search.alone import alone
from pefbench.search.trials import Objective, Trials, check_shared
from pefbench.search.tuning import Tuning
from pefbench.search.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.compare.file import Search
    from pefbench.compare.plan import Plan, PlannedTrial
    from pefbench.engines.engine import Engine
    from pefbench.recipe import Recipe
    from pefbench.results.place import Place
    from pefbench.results.verdict_schema import Setting


class Compared:
    """One method of a comparison, with the interface that a study expects."""

    def __init__(self, plan: Plan, search: Search, name: str) -> None:
        self.plan, self.search, self.name = plan, search, name
        entry = plan.comparison.methods[name]
        self.method = str(entry.method["name"])
        self.space, self.seed = space_of(entry, f"methods.{name}"), plan.comparison.search_seed

    def recipe(self, setting: Setting) -> Recipe:
        """The recipe of a tuning trial, scored on validation each epoch if that may stop it. Raises RecipeError."""
        recipe = self.plan.tuned(self.name, setting)
        if recipe.train.evaluate != "none" or self.search.prune == "none":
            return recipe
        return recipe.with_train(evaluate="epoch")

    def epochs(self, setting: Setting) -> float:
        """The epochs of a trial that runs to its end."""
        return self.recipe(setting).train.epochs


def tune(
    plan: Plan, paths: Sequence[Path], metric: str, pool: Engine, place: Place, *, command: str, higher: bool
) -> list[PlannedTrial]:
    """Let each method's study spend its budget; return the tuning trials of all settings that were tried.

    paths: the result file of each method's first trial; its id identifies recipe, data and model. Raises OutputError
    if another process is tuning in the same place.
    """
    search = plan.comparison.search
    if search is None:
        raise AssertionError("the comparison has no search")
    check_shared(place, pool, None)
    wanted = Wanted(
        plan.base, place.folder, trials=search.trials, sampler=search.sampler, pruner=search.prune, command=command
    )
    objective, trials = Objective(metric, higher, plan.budget.examples or 0), Trials(wanted, place, pool)
    found = []
    with alone(place.folder):
        for name, path in zip(plan.comparison.methods, paths, strict=True):
            tuning = Tuning(Compared(plan, search, name), trials, objective, str(path), plan.allowance)
            tuning.spend()
            found += plan.searched(name, _tried(tuning), tuning.spent)
    return found


def _tried(tuning: Tuning) -> list[Setting]:
    """The settings of a study in order, without those that make no valid recipe."""
    found = []
    for trial in tuning.tried:
        setting = tuning.method.space.setting(trial.params)
        try:
            tuning.method.recipe(setting)
        except RecipeError:
            continue
        found.append(setting)
    return found
