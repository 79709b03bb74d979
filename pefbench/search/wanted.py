"""The user's request for a search, and the methods that follow from it, checked before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pefbench.engines.engine import HERE, Resources
from pefbench.errors import RecipeError
from pefbench.recipe import load_recipe
from pefbench.recipe_file import read_search
from pefbench.search.space import Space, override

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.engines.messages import PrunerName
    from pefbench.recipe import Recipe
    from pefbench.results.verdict_schema import Setting
    from pefbench.search.samplers import SamplerName

RACE = 4
TUNING, FINAL = ("validation",), ("validation", "test")


@dataclass(frozen=True)
class Wanted:
    """The user's request.

    methods: the methods to search; none: the recipe's own. trials: settings per method. racing: how many of the best
    settings race, over all methods; None: up to `RACE`. seeds: the most that a setting in the race may run. storage: an
    Optuna storage address; None: a journal beside the results. keep: models to keep, all of the selected setting, each
    with its own seed. command: the command line, for provenance.
    """

    recipe: Path
    out: Path | str
    methods: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    trials: int = 20
    sampler: SamplerName = "tpe"
    pruner: PrunerName = "asha"
    racing: int | None = None
    seeds: int = 5
    storage: str | None = None
    resources: Resources = HERE
    keep: int = 1
    command: str = ""


class Tunable(Protocol):
    """The interface of a method that a study needs."""

    @property
    def method(self) -> str:
        """The method's name."""

    @property
    def name(self) -> str:
        """The name in messages and in the study."""

    @property
    def seed(self) -> int:
        """The seed of its sampler."""

    @property
    def space(self) -> Space:
        """What varies."""

    def recipe(self, setting: Setting) -> Recipe:
        """The recipe of a trial. Raises RecipeError for incompatible values."""

    def epochs(self, setting: Setting) -> float:
        """The epochs of a trial that runs to its end."""


class Searched:
    """One method of a search: its space, and the recipe of any setting."""

    def __init__(self, wanted: Wanted, method: str | None) -> None:
        self.wanted, self._method = wanted, method
        base = load_recipe(wanted.recipe, wanted.overrides, method)
        self.method, self.name, self.seed = base.method.name, base.name, base.train.seed
        self.space = Space.read(read_search(wanted.recipe, wanted.overrides, method), type(base.method))
        for setting in self.space.extremes():
            self.recipe(setting)

    def recipe(self, setting: Setting, seed: int | None = None, *, final: bool = False) -> Recipe:
        """The recipe of a setting, with the recipe's own seed or another. Raises RecipeError.

        A trial that is not final is stored under its method's name, and is scored on validation each epoch if that may
        stop it, otherwise only at its end.
        """
        laid = [override(field, value) for field, value in setting.items()]
        try:
            recipe = load_recipe(self.wanted.recipe, [*self.wanted.overrides, *laid], self._method)
        except RecipeError as error:
            raise RecipeError(f"search: {', '.join(laid)}: {error}") from None
        if seed is not None:
            recipe = recipe.with_train(seed=seed)
        if final:
            return recipe
        if recipe.train.evaluate is None and not recipe.train.chooses:
            may_stop = self.wanted.pruner != "none" and seed is None
            recipe = recipe.with_train(evaluate="epoch" if may_stop else "none")
        return recipe.model_copy(update={"name": recipe.method.name})

    def epochs(self, setting: Setting) -> float:
        """The epochs of a trial that runs to its end."""
        return self.recipe(setting).train.epochs


def searched(wanted: Wanted) -> list[Searched]:
    """The methods of a search, each checked at the ends of its space. Raises RecipeError.

    A search over a single setting, or a race of more settings than are tried, is an error too.
    """
    if len({*wanted.methods}) < len(wanted.methods):
        twice = next(name for name in wanted.methods if wanted.methods.count(name) > 1)
        raise RecipeError(f"--method {twice}: is given twice")
    methods: Sequence[str | None] = wanted.methods or (None,)
    found = [Searched(wanted, method) for method in methods]
    sizes = [each.space.every() for each in found]
    tried = sum(wanted.trials if every is None else min(wanted.trials, len(every)) for every in sizes)
    if tried < 2:
        why = "--trials 1" if wanted.trials == 1 else "search: has one setting"
        raise RecipeError(f"{why}: a search needs two or more to choose from; `pefbench run` trains one")
    if wanted.racing is not None and wanted.racing > tried:
        raise RecipeError(f"--race {wanted.racing}: {tried} settings are tried; raise --trials, or race fewer")
    return found
