"""The trials of a comparison: each setting with each tuning seed, then each method's selection with each seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pefbench.compare import moving, placing
from pefbench.compare.budget import seen
from pefbench.compare.file import base_of, load_comparison, recipe_of, whole_numbers
from pefbench.compare.search import is_drawn, ways
from pefbench.engines.messages import trial_request
from pefbench.errors import DataError, RecipeError
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from pefbench.search.space import label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pefbench.engines.messages import TrialRequest
    from pefbench.recipe import Recipe
    from pefbench.results.place import Place
    from pefbench.results.schema import Result
    from pefbench.results.verdict_schema import Setting

    Status = Literal["finished", "failed", "stopped", "missing"]

TUNING = ("validation",)
ENDS: dict[str, Status] = {"DivergedError": "failed", "PrunedError": "stopped"}
"""Error type of a result -> status of the trial. Trials with these errors are not run again."""
FINAL = ("validation", "test")


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a comparison."""

    method: str
    """As named in the comparison file."""

    setting: int
    """Index into the method's settings."""

    seed: int
    scored: tuple[str, ...]
    """Splits that the trial may predict."""

    recipe: Recipe
    text: str
    """For messages: "final lora, learning_rate 0.001, seed 1"."""

    def request(self, out: Place, command: str = "") -> TrialRequest:
        """The message that makes a worker run it."""
        return trial_request(self.recipe, self.scored, out, command)


@dataclass(frozen=True)
class Outcome:
    """A planned trial and its result, if there is one."""

    planned: PlannedTrial
    path: Path
    """Its result file, whether it exists or not."""

    status: Status
    """finished; failed: its loss diverged, so it is not run again; stopped: a pruner stopped it early; missing: it did
    not run or did not finish."""

    result: Result | None
    error: str | None = None
    """Why it did not finish, if known."""


class Plan:
    """A comparison file, its settings and its trials."""

    def __init__(self, file: Path, overrides: Sequence[str] = (), methods: Sequence[str] = ()) -> None:
        self.comparison, self.settings = load_comparison(file, overrides, methods)
        self.base, self.overrides = base_of(file, self.comparison), tuple(overrides)
        self.budget = self.comparison.budget
        self.seen: dict[str, int] = {}

    @property
    def counts_settings(self) -> bool:
        """Whether the budget is a number of settings."""
        return self.comparison.compute is None and self.comparison.search is None

    @property
    def looks(self) -> list[int]:
        """The numbers of seeds at which pairs are tested."""
        return self.comparison.looked_at

    @property
    def seeds(self) -> list[int]:
        """train.seed of the final trials, of all looks."""
        return self.comparison.all_seeds

    def tuning(self) -> list[PlannedTrial]:
        """The tuning trials, with methods taking turns, so that an interrupted run has some of each."""
        return [
            self._planned(method, number, seed, TUNING)
            for number in range(max(map(len, self.settings.values())))
            for method in self.comparison.methods
            if number < len(self.settings[method])
            for seed in self.comparison.tuning_seeds
        ]

    def measure(self, examples: int) -> None:
        """Set the size of the training split. Raises RecipeError if settings exceed the budget."""
        self.budget = replace(self.budget, examples=examples)
        for method in self.settings:
            if self.comparison.search is None:
                self.budget.check(method, self._tried(method))
            elif (dearest := max(map(self.budget.cost, self._tried(method)))) > self.allowance:
                raise RecipeError(
                    f"search.trials: {self.comparison.search.trials} trials of the base recipe see "
                    f"{self.allowance:,} training examples, too few for {method}, one of whose settings sees "
                    f"{dearest:,}; raise it, or search fewer epochs"
                )

    @property
    def allowance(self) -> int:
        """The training examples that all trials of one method may see together; 0 unless Optuna tunes."""
        search = self.comparison.search
        if search is None:
            return 0
        base = load_recipe(self.base, self.overrides)
        return search.trials * seen(base.train.epochs, self.budget.examples or 0)

    def searched(self, method: str, settings: Sequence[Setting], examples: int) -> list[PlannedTrial]:
        """Record the settings that a study has tried and the examples they saw; return their tuning trials."""
        self.settings[method], self.seen[method] = [*settings], examples
        [seed] = self.comparison.tuning_seeds
        return [self._planned(method, number, seed, TUNING) for number in range(len(settings))]

    def left(self, method: str) -> int:
        """How many more settings a method may try; approximate if they differ in epochs."""
        if self.comparison.search is not None:
            return 0 if method in self.seen else self.comparison.search.trials
        return self.budget.left(self._tried(method))

    def spent(self, method: str) -> int:
        """The training examples that the tuning trials of a method see."""
        return self.seen[method] if method in self.seen else self.budget.spent(self._tried(method))

    def place(self, values: Mapping[str, Sequence[float | None]], *, higher: bool) -> list[PlannedTrial]:
        """Place one more setting by its results for each method with budget left; return the new tuning trials.

        values: the validation score of each setting, for the methods whose tuning trials are all there.
        """
        found: list[PlannedTrial] = []
        if self.comparison.search is not None:
            return found
        for method, scores in values.items():
            tried = self.settings[method]
            if setting := self._next(method, scores, higher=higher):
                tried.append(setting)
                found += [self._planned(method, len(tried) - 1, seed, TUNING) for seed in self.comparison.tuning_seeds]
        return found

    def _next(self, method: str, values: Sequence[float | None], *, higher: bool) -> Setting | None:
        """The next setting that makes a valid recipe and fits the budget; None if there is none."""
        tried = self._tried(method)
        if not self.budget.could_allow(tried, self.comparison.methods[method].search):
            return None
        for setting in self._candidates(method, values, higher=higher):
            try:
                recipe = self._recipe(method, setting)
            except RecipeError:
                continue
            if self.budget.allows(tried, recipe):
                return setting
        return None

    def _candidates(self, method: str, values: Sequence[float | None], *, higher: bool) -> Iterator[Setting]:
        entry, tried = self.comparison.methods[method], self.settings[method]
        if not is_drawn(entry.search):
            return placing.candidates(tried, values, higher=higher)
        drawn = ways(entry.search, f"methods.{method}.search", whole_numbers(entry))
        return moving.candidates(drawn, tried, values, seed=self.comparison.search_seed, higher=higher)

    def tuned(self, method: str, setting: Setting) -> Recipe:
        """The recipe of a tuning trial. Raises RecipeError for incompatible values."""
        seed = self.comparison.tuning_seeds[0]
        return _scored_once(recipe_of(self.comparison, self.base, method, setting, seed, self.overrides))

    def _tried(self, method: str) -> list[Recipe]:
        return [self._recipe(method, setting) for setting in self.settings[method]]

    def _recipe(self, method: str, setting: Setting) -> Recipe:
        return recipe_of(self.comparison, self.base, method, setting, 0, self.overrides)

    def final(self, method: str, setting: int, seeds: int | None = None) -> list[PlannedTrial]:
        """A method's final trials with one of its settings. seeds: how many seeds; None: those of all looks."""
        return [self._planned(method, setting, seed, FINAL) for seed in self.seeds[:seeds]]

    def _planned(self, method: str, number: int, seed: int, scored: tuple[str, ...]) -> PlannedTrial:
        setting: Setting = self.settings[method][number]
        recipe = recipe_of(self.comparison, self.base, method, setting, seed, self.overrides)
        kind = "final" if scored == FINAL else "tuning"
        recipe = recipe if scored == FINAL else _scored_once(recipe)
        return PlannedTrial(method, number, seed, scored, recipe, f"{kind} {method}, {label(setting)}, seed {seed}")


def _scored_once(recipe: Recipe) -> Recipe:
    """The recipe of a tuning trial: scored only after training, unless the recipe asks for more.

    Its learning curve is not used, and this does not change its id.
    """
    if recipe.train.evaluate is not None or recipe.train.chooses:
        return recipe
    return recipe.with_train(evaluate="none")


def read_outcome(planned: PlannedTrial, path: Path, error: str | None = None) -> Outcome:
    """A trial's outcome, read from its result file. error: why its process ended, if it did."""
    try:
        result = read_result(path) if path.exists() else None
    except DataError as damaged:
        return Outcome(planned, path, "missing", None, str(damaged))
    if result is None:
        return Outcome(planned, path, "missing", None, error)
    if result["status"] == "finished":
        return Outcome(planned, path, "finished", result)
    status = ENDS.get(result.get("error_type") or "", "missing")
    return Outcome(planned, path, status, result, error or result["error"])
