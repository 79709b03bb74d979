"""A search from start to end: each method's study, the race of the best settings, and the test of the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.engines.engine import engine
from pefbench.errors import TrialError, counted
from pefbench.progress import say
from pefbench.results.address import place_at
from pefbench.search import racing
from pefbench.search.alone import alone
from pefbench.search.record import SEARCH, found_of, write
from pefbench.search.space import label
from pefbench.search.trials import Trials, check_shared, score
from pefbench.search.tuning import Tuning
from pefbench.search.wanted import FINAL, RACE, TUNING, searched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.place import Place
    from pefbench.search.racing import Runner
    from pefbench.search.wanted import Searched, Wanted

ROOM = 2**20


def find(wanted: Wanted) -> Path:
    """Search, race, test; return the path of the record. Finished parts are not repeated.

    Raises a UserError for a request that cannot work, and a TrialError if no setting could be trained.
    """
    methods = searched(wanted)
    results = place_at(wanted.out)
    place = results.below(f"{_name(methods)}/search")
    folder = place.folder
    place.check(ROOM)
    with alone(folder), engine(folder, wanted.resources) as pool:
        check_shared(results, pool, wanted.storage)
        trials = Trials(wanted, place, pool)
        objective, paths = trials.look(methods)
        tunings = [Tuning(method, trials, objective, path) for method, path in zip(methods, paths, strict=True)]
        for tuning in tunings:
            tuning.run()
        runners = racing.entrants(tunings, wanted.racing or RACE, higher=objective.higher)
        search = _Search(methods, trials, results, objective.metric)
        named = racing.run(runners, search.seeds, search.scores, higher=objective.higher)
        if named is None:
            raise TrialError(f"no setting could be trained; the reasons are in {folder}")
        found = found_of(wanted, tunings, objective, runners, named, search.test(named), folder)
    path = folder / SEARCH
    write(path, found)
    place.publish(path)
    return path


class _Search:
    """The trials after the studies: those of the race and the test of the selected setting."""

    def __init__(self, methods: Sequence[Searched], trials: Trials, results: Place, metric: str) -> None:
        self.methods = {method.method: method for method in methods}
        self.trials, self.results, self.metric = trials, results, metric
        self.seeds = [methods[0].seed + number for number in range(1, trials.wanted.seeds)]
        """The seeds of the race, after the studies' own seed."""

    def scores(self, runners: Sequence[Runner], seed: int) -> list[float | None]:
        """The validation scores of settings with a seed; None if the trial failed."""
        say(f"race: {len(runners)} settings with seed {seed}")
        recipes = [self.methods[each.method].recipe(each.setting, seed) for each in runners]
        paths = self.trials.run_all([self.trials.request(recipe, TUNING) for recipe in recipes])
        return [None if path is None else score(path, self.metric) for path in paths]

    def test(self, named: Runner) -> list[Path]:
        """Train the selected setting again, score it on test, and keep the model; once for each model to keep."""
        method, wanted = self.methods[named.method], self.trials.wanted
        seeds = [method.seed, *self.seeds][: wanted.keep]
        say(f"selected: {method.name}, {label(named.setting)}; scoring it on test with {counted(len(seeds), 'seed')}")
        recipes = [method.recipe(named.setting, seed, final=True) for seed in seeds]
        paths = self.trials.run_all([self.trials.request(recipe, FINAL, self.results) for recipe in recipes])
        there = [path for path in paths if path is not None]
        if not there:
            raise TrialError("the selected setting failed when it was trained again; see the worker's log")
        return there


def _name(methods: Sequence[Searched]) -> str:
    """The folder's name: that of the recipe, or the common part of several recipes' names."""
    first = methods[0]
    return first.name if len(methods) == 1 else first.name.removeprefix(f"{first.method}_")
