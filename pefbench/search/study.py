"""The Optuna study of one method: its storage, which trials count, and how a killed search is resumed.

A study continues where it stopped. Its name is made from the recipe, the data, the space and the metric, so that a
different search never adds to it. A killed trial does not count and is proposed again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pefbench.engines.pruning import AGAIN, propose_again, storage_of
from pefbench.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from pefbench.search.space import Space

FEWEST_FOR_IMPORTANCE = 4
"""Completed settings needed before their scores say anything about the importance of fields."""
ATTEMPTS = 5
RACES = ("IntegrityError", "ProgrammingError", "OperationalError")
"""SQLAlchemy's names for the errors of two processes that create the same tables at once."""
ERROR = "error"
"""The attribute of a trial that says why it failed; Optuna itself counts such a trial as pruned."""
REPEATS = "repeats"
"""The attribute of a trial that was not run: the number of the trial that has the same setting."""


def open_study(
    address: str, name: str, space: Space, *, sampler: BaseSampler, pruner: BasePruner, higher: bool
) -> Study:
    """The study of this name, new or as it was left. Raises OutputError if its storage cannot be reached."""
    from optuna import create_study, logging

    logging.set_verbosity(logging.WARNING)
    try:
        study = create_study(
            storage=_storage(address),
            study_name=name,
            sampler=sampler,
            pruner=pruner,
            direction="maximize" if higher else "minimize",
            load_if_exists=True,
        )
    except Exception as error:  # the database's driver has its own exceptions: SQLAlchemy's, psycopg's, OSError
        if type(error).__module__.partition(".")[0] not in {"sqlalchemy", "optuna", "builtins"}:
            raise
        raise OutputError(f"--storage {address}: {str(error).strip().splitlines()[0]}") from error
    study.set_user_attr("space", space.plain())
    return study


def _storage(address: str) -> BaseStorage:
    """The storage at an address. If another process is creating the tables of a new database, wait for it."""
    for attempt in range(ATTEMPTS):
        try:
            return storage_of(address)
        except Exception as error:
            if type(error).__name__ not in RACES or attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.2 * (attempt + 1))
    raise AssertionError("the last attempt returns or raises")


def counted(trial: FrozenTrial) -> bool:
    """Whether a trial counts as tried: it was completed, stopped early, or failed by itself."""
    from optuna.trial import TrialState

    return trial.state in {TrialState.COMPLETE, TrialState.PRUNED} and REPEATS not in trial.user_attrs


def taken(study: Study, space: Space, number: int) -> dict[int, str]:
    """The keys of settings that were run, are running, or wait to run again, by trial; without trial `number`."""
    from optuna.trial import TrialState

    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING)
    trials = study.get_trials(deepcopy=False, states=states)
    found = {each.number: each.params or each.system_attrs.get("fixed_params", {}) for each in trials}
    return {
        place: space.key(parameters)
        for place, parameters in found.items()
        if place != number and parameters.keys() >= space.ways.keys()  # a trial's fields are proposed one by one
    }


def take_up(study: Study, *, alone: bool) -> int:
    """Propose the trials again that a killed search was running; return how many there are.

    alone: no other process works on the study, so trials that seem to run were killed. Otherwise the heartbeat in the
    database shows which were killed.
    """
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)) if alone else ():
        study.tell(trial.number, state=TrialState.FAIL)
    repeated = {trial.user_attrs.get(AGAIN) for trial in study.get_trials(deepcopy=False)}
    lost = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        if trial.params and trial.number not in repeated
    ]
    for trial in lost:
        propose_again(study, trial)
    return len(lost)


def importance(study: Study) -> dict[str, float]:
    """How much of the scores' variance each field explains, by fANOVA (Hutter et al. 2014) over completed trials.

    Empty if there are too few completed trials, or if all their scores are equal.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    done = [trial.value for trial in best_first(study.get_trials(deepcopy=False), higher=True)]
    if len(done) < FEWEST_FOR_IMPORTANCE or len({*done}) == 1:
        return {}
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def best_first(trials: Sequence[FrozenTrial], *, higher: bool) -> list[FrozenTrial]:
    """The completed trials, the best first; ties in order of their numbers."""
    from optuna.trial import TrialState

    done = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    return sorted(done, key=lambda trial: (-(trial.value or 0) if higher else trial.value, trial.number))
