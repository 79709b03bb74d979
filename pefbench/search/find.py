"""A search from end to end: each method's study, the race of the best settings, and the named one's test."""

from __future__ import annotations

import fcntl
import hashlib
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.engines.local import Pool
from pefbench.engines.pruning import EXAMPLES, pruner_of
from pefbench.errors import OutputError, RecipeError, TrialError, counted
from pefbench.progress import say
from pefbench.results import store
from pefbench.search import racing, study
from pefbench.search.racing import Runner
from pefbench.search.record import SEARCH, found_of, write
from pefbench.search.space import label
from pefbench.search.wanted import FINAL, TUNING, searched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from pefbench.engines.messages import Inspection, Message, TrialRequest
    from pefbench.recipe import Recipe
    from pefbench.search.wanted import Searched, Wanted

ROOM = 2**20
ATTEMPTS = 2
"""How often a setting is run whose process dies."""


def find(wanted: Wanted) -> Path:
    """Search, race, test; return the path of the record. What is done already is not done again.

    Raises a UserError for what cannot work, a TrialError where no setting could be trained.
    """
    methods = searched(wanted)
    folder = wanted.out / _name(methods) / "search"
    store.check_writable(folder, ROOM)
    with _alone(folder), Pool(folder, wanted.workers) as pool:
        search = Search(wanted, methods, folder, pool)
        search.look()
        for method in methods:
            search.tune(method)
        runners = search.race()
        named = racing.run(runners, search.seeds, search.scores, higher=search.higher)
        if named is None:
            raise TrialError(f"no setting could be trained; the reasons are in {folder}")
        tested = search.test(named)
        found = found_of(
            wanted, methods, search.studies, runners, named, tested, search.metric, higher=search.higher, folder=folder
        )
    path = folder / SEARCH
    write(path, found)
    return path


class Search:
    """A search that runs: its methods, their studies and the worker processes."""

    def __init__(self, wanted: Wanted, methods: Sequence[Searched], folder: Path, pool: Pool) -> None:
        self.wanted, self.folder, self.pool = wanted, folder, pool
        self.methods = {each.method: each for each in methods}
        self.studies: dict[str, Study] = {}
        self.storage = wanted.storage or str(folder / "journal.log")
        self.metric, self.higher, self.examples = "", True, 0
        first = methods[0].seed
        self.seeds = [first + number for number in range(1, wanted.seeds)]
        """The seeds of the race after the search's own."""

    def look(self) -> None:
        """Read the data, find the metric, and open or take up the studies. Raises a UserError."""
        requests = [self._request(each.recipe(next(each.space.extremes())), TUNING) for each in self.methods.values()]
        answer = self.pool.inspect({"do": "inspect", "trials": requests})
        self.metric, self.examples = answer["headline"], answer["training_examples"]
        self.higher = answer["higher_is_better"][self.metric]
        if answer["gpus"]:
            self.pool.use_gpus(answer["gpus"])
        for method, path in zip(self.methods.values(), answer["paths"], strict=True):
            self.studies[method.method] = self._study(method, path)

    def _study(self, method: Searched, path: str) -> Study:
        """The method's study. path: of a trial's result; its id says which recipe, data and model it is of."""
        wanted = self.wanted
        key = [Path(path).stem, method.space.plain(), self.metric, wanted.pruner, wanted.sampler]
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
        sampler = study.sampler_of(wanted.sampler, method.space, wanted.trials, method.seed)
        opened = study.open_study(
            self.storage,
            f"{method.name}-{digest}",
            method.space,
            sampler=sampler,
            pruner=pruner_of(wanted.pruner),
            higher=self.higher,
        )
        if lost := study.take_up(opened, alone=wanted.storage is None):
            say(f"{method.name}: {lost} trials were killed, and run again")
        return opened

    def tune(self, method: Searched) -> None:
        """Run the trials of a method that are missing."""
        from optuna.study import MaxTrialsCallback
        from optuna.trial import TrialState

        opened, total = self.studies[method.method], self.wanted.trials
        done = sum(study.counted(trial) for trial in opened.get_trials(deepcopy=False))
        say(f"{method.name}: {total} trials, {done} already done ({opened.study_name})")
        if done >= total:
            return
        if done:
            opened.sampler.reseed_rng()  # not the draws of the first start once more
        opened.optimize(
            lambda trial: self._objective(method, trial),
            n_trials=total - done,
            n_jobs=len(self.pool.members),
            callbacks=[MaxTrialsCallback(total, states=(TrialState.COMPLETE, TrialState.PRUNED))],
        )

    def _objective(self, method: Searched, trial: Trial) -> float:
        """Train one setting; return its score on validation. Raises TrialPruned where it stopped early or failed."""
        from optuna import TrialPruned

        setting = method.space.suggest(trial)
        told = f"{method.name} trial {trial.number}: {label(setting)}"
        say(f"started: {told}")
        try:
            recipe = method.recipe(setting)
        except RecipeError as error:  # values that do not go together
            return self._failed(trial, told, str(error))
        request = self._request(recipe, TUNING)
        request["judged"] = {
            "storage": self.storage,
            "study": self.studies[method.method].study_name,
            "trial": trial._trial_id,
            "metric": self.metric,
            "pruner": self.wanted.pruner,
        }
        answer = self._run(request)
        if "pruned" in answer:
            say(f"{told}: stopped early: {answer['pruned']}")
            raise TrialPruned
        if "error" in answer:
            return self._failed(trial, told, str(answer["error"]))
        result = store.read_result(Path(str(answer["path"])))
        value = result["metrics"]["validation"][self.metric]["value"]
        trial.set_user_attr(EXAMPLES, round(self.examples * recipe.train.epochs))
        say(f"{told}: validation {self.metric} {value:.4g}")
        return value

    def _failed(self, trial: Trial, told: str, error: str) -> float:
        from optuna import TrialPruned

        say(f"{told}: failed: {error}")
        trial.set_user_attr(study.ERROR, error)
        raise TrialPruned

    def _run(self, request: TrialRequest) -> Message:
        """The worker's answer; that of a trial whose process dies each time is an error."""
        died = ""
        for _ in range(ATTEMPTS):
            try:
                return self.pool.one({**request})
            except TrialError as error:
                if self.pool.stopped:
                    raise
                died = str(error)
        return {"error": died, "exit_status": 1}

    def race(self) -> list[Runner]:
        """The best settings of all methods together. Raises TrialError where none was trained."""
        best: list[tuple[str, FrozenTrial]] = []
        for name, opened in self.studies.items():
            trials = opened.get_trials(deepcopy=False)
            best += [(name, trial) for trial in study.best_first(trials, higher=self.higher)]
        best.sort(key=lambda each: -(each[1].value or 0) if self.higher else each[1].value or 0)
        runners: list[Runner] = []
        for name, trial in best:
            setting = self.methods[name].space.setting(trial.params)
            if all(setting != runner.setting or name != runner.method for runner in runners):
                runners.append(Runner(name, setting, trial.number, [trial.value]))
        if not runners:
            reasons = [
                trial.user_attrs[study.ERROR]
                for opened in self.studies.values()
                for trial in opened.get_trials(deepcopy=False)
                if study.ERROR in trial.user_attrs
            ]
            raise TrialError(f"no setting could be trained: {reasons[0] if reasons else 'there were no trials'}")
        return runners[: max(1, self.wanted.racing)]

    def scores(self, runners: Sequence[Runner], seed: int) -> list[float | None]:
        """The scores on validation of settings with a seed; None where the trial failed."""
        say(f"race: {len(runners)} settings with seed {seed}")
        requests = [self._request(self.methods[each.method].recipe(each.setting, seed), TUNING) for each in runners]
        return [self._value(path) for path in self._trained(requests)]

    def test(self, named: Runner) -> list[Path]:
        """Train the named setting once more, score it on test, and keep the model; once for each model to keep."""
        method = self.methods[named.method]
        seeds = [method.seed, *self.seeds][: self.wanted.keep]
        say(f"named: {method.name}, {label(named.setting)}; scored on test now, with {counted(len(seeds), 'seed')}")
        recipes = [method.recipe(named.setting, seed, final=True) for seed in seeds]
        paths = self._trained([self._request(recipe, FINAL, self.wanted.out) for recipe in recipes])
        there = [path for path in paths if path is not None]
        if not there:
            raise TrialError("the named setting could not be trained once more; its worker's log says why")
        return there

    def _trained(self, requests: Sequence[TrialRequest]) -> list[Path | None]:
        """The results of trials that are run if they are missing; None for those that failed."""
        answer: Inspection = self.pool.inspect({"do": "inspect", "trials": [*requests]})
        paths = [Path(path) for path in answer["paths"]]
        errors: dict[int, str] = {}

        def tell(number: int, event: str, error: str | None) -> None:
            if event == "ended" and error is not None:
                errors[number] = error
                say(f"failed: {error}")

        self.pool.run([{**request} for request in requests], tell)
        return [None if number in errors else path for number, path in enumerate(paths)]

    def _value(self, path: Path | None) -> float | None:
        return None if path is None else store.read_result(path)["metrics"]["validation"][self.metric]["value"]

    def _request(self, recipe: Recipe, scored: Sequence[str], out: Path | None = None) -> TrialRequest:
        """A trial's request; those that are not final lie in the search's own folder."""
        if out is None:
            recipe = recipe.model_copy(update={"name": recipe.method.name})
        return {
            "recipe": recipe.requested(),
            "scored": [*scored],
            "out": str(out or self.folder),
            "command": self.wanted.command,
        }


def _name(methods: Sequence[Searched]) -> str:
    """The folder's name: the recipe's, or of several methods what their recipes' names have in common."""
    first = methods[0]
    return first.name if len(methods) == 1 else first.name.removeprefix(f"{first.method}_")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder: of two searches that write to it one is refused. Raises OutputError."""
    with (folder / ".lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputError(
                f"{folder}: another search is running there; wait for it, or give another --out"
            ) from None
        yield
