"""Tunes one method: its study proposes settings, worker processes train them, validation scores them."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.engines.pruning import EXAMPLES, pruner_of
from pefbench.errors import RecipeError, counted
from pefbench.progress import say
from pefbench.search import samplers, study
from pefbench.search.space import label
from pefbench.search.trials import score
from pefbench.search.wanted import TUNING

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from pefbench.search.trials import Objective, Trials
    from pefbench.search.wanted import Tunable


class Tuning:
    """A method's study, new or as it was left. path: of a trial's result; its id identifies recipe, data and model.

    budget: training examples that all trials may see together; None: the number of trials is limited instead.
    Raises a UserError if the study cannot be opened.
    """

    def __init__(
        self, method: Tunable, trials: Trials, objective: Objective, path: str, budget: int | None = None
    ) -> None:
        self.method, self.trials, self.objective, self.budget = method, trials, objective, budget
        self.storage = trials.wanted.storage or str(trials.place.folder / "journal.log")
        self.study = self._open(path)
        every = method.space.every()
        self.most = None if every is None else len(every)
        self.proposing = threading.Lock()
        """Held while a setting is proposed, so that a second thread sees the first one's setting."""

    def _open(self, path: str) -> Study:
        method, wanted = self.method, self.trials.wanted
        key = [Path(path).stem, method.space.plain(), self.objective.metric, wanted.pruner, wanted.sampler]
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
        opened = study.open_study(
            self.storage,
            f"{method.name}-{digest}",
            method.space,
            sampler=samplers.sampler_of(wanted.sampler, method.space, wanted.trials, method.seed),
            pruner=pruner_of(wanted.pruner),
            higher=self.objective.higher,
        )
        if lost := study.take_up(opened, alone=wanted.storage is None):
            say(f"{method.name}: {counted(lost, 'trial')} killed before the end, to be run again")
        return opened

    @property
    def proposed(self) -> list[FrozenTrial]:
        """The study's trials so far."""
        return self.study.get_trials(deepcopy=False)

    @property
    def spent(self) -> int:
        """The training examples that the trials have seen; a trial that failed at once counts in full."""
        return sum(trial.user_attrs.get(EXAMPLES) or self._cost(trial) for trial in self.tried)

    @property
    def tried(self) -> list[FrozenTrial]:
        """The trials that count, one per setting: a setting that the study has twice was trained only once."""
        found: dict[str, FrozenTrial] = {}
        for trial in self.proposed:
            if study.counted(trial):
                found.setdefault(self.method.space.key(trial.params), trial)
        return [*found.values()]

    def is_over(self, running: int = 0) -> bool:
        """Whether every setting of the space was tried or is running. running: how many are."""
        return self.most is not None and len(self.tried) + running >= self.most

    def _cost(self, trial: FrozenTrial) -> int:
        """The training examples that a trial sees if it is completed."""
        epochs = self.method.epochs(self.method.space.setting(trial.params))
        return max(1, round(self.objective.examples * epochs))

    def spend(self) -> None:
        """Run trials while the rest of the budget suffices for a complete one."""
        budget, most = self.budget or 0, self._dearest()
        say(
            f"{self.method.name}: {self.spent:,} of {budget:,} training examples already seen ({self.study.study_name})"
        )
        if self.proposed:
            self.study.sampler.reseed_rng()

        def stop(opened: Study, _: FrozenTrial) -> None:
            running = sum(trial.state.name == "RUNNING" for trial in opened.get_trials(deepcopy=False))
            if self.is_over(running) or self.spent + (running + 1) * most > budget:
                opened.stop()

        # No more than are paid for if none stops early, as `stop` does not see a trial that is about to start.
        while not self.is_over() and (paid := (budget - self.spent) // most) > 0:
            workers = min(self.trials.pool.size, paid)
            self.study.optimize(self._score, n_trials=paid, n_jobs=workers, callbacks=[stop])

    def _dearest(self) -> int:
        """The training examples that the most expensive setting sees if it is completed."""
        epochs = max(self.method.epochs(setting) for setting in self.method.space.extremes())
        return max(1, round(self.objective.examples * epochs))

    def run(self) -> None:
        """Run the missing trials, but no more than the space has settings."""
        total = min(self.trials.wanted.trials, self.most or self.trials.wanted.trials)
        done = len(self.tried)
        say(f"{self.method.name}: {total} trials, {done} already done ({self.study.study_name})")
        if 0 < done < total:
            self.study.sampler.reseed_rng()  # do not repeat the draws of the first start

        def stop(opened: Study, _: FrozenTrial) -> None:
            if len(self.tried) >= total:
                opened.stop()

        before = -1
        while before < (done := len(self.tried)) < total:  # no progress: another process runs the rest
            before = done
            self.study.optimize(self._score, n_trials=total - done, n_jobs=self.trials.pool.size, callbacks=[stop])

    def _score(self, trial: Trial) -> float:
        """Train one setting; return its validation score. Raises TrialPruned if it stopped early or failed."""
        from optuna import TrialPruned

        with self.proposing:
            setting = self.method.space.suggest(trial)
        self._stop_repeated(trial)
        told = f"{self.method.name} trial {trial.number}: {label(setting)}"
        say(f"started: {told}")
        try:
            recipe = self.method.recipe(setting)
        except RecipeError as error:  # incompatible values
            return _failed(trial, told, str(error))
        request = self.trials.request(recipe, TUNING)
        request["judged"] = {
            "storage": self.storage,
            "study": self.study.study_name,
            "trial": trial._trial_id,
            "metric": self.objective.metric,
            "pruner": self.trials.wanted.pruner,
            "examples": self.objective.examples,
        }
        answer = self.trials.run(request)
        if "pruned" in answer:
            say(f"{told}: stopped early: {answer['pruned']}")
            raise TrialPruned
        if "error" in answer:
            return _failed(trial, told, str(answer["error"]))
        value = score(Path(str(answer["path"])), self.objective.metric)
        trial.set_user_attr(EXAMPLES, round(self.objective.examples * recipe.train.epochs))
        say(f"{told}: validation {self.objective.metric} {value:.4g}")
        return value

    def _stop_repeated(self, trial: Trial) -> None:
        """Raise TrialPruned if an earlier trial has this setting: another process took it, or no setting is left."""
        from optuna import TrialPruned

        key = self.method.space.key(trial.params)
        for number, each in study.taken(self.study, self.method.space, trial.number).items():
            if number < trial.number and each == key:
                trial.set_user_attr(study.REPEATS, number)
                raise TrialPruned


def _failed(trial: Trial, told: str, error: str) -> float:
    from optuna import TrialPruned

    say(f"{told}: failed: {error}")
    trial.set_user_attr(study.ERROR, error)
    raise TrialPruned
