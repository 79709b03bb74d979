"""Early stopping of training runs that belong to an Optuna study: a run reports each evaluation to the study.

The run accesses the study's storage directly, so it can run on any machine that reaches the storage.

Pruners: asynchronous successive halving (Li et al. 2020, arXiv:1810.05934), the median rule (Golovin et al. 2017,
section 3.2), and Wilcoxon's signed-rank test over the evaluations of a run against those of the best run.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from pefbench.engines.messages import Judged, PrunerName
    from pefbench.results.schema import CurvePoint

HALVING = 3
"""Successive halving lets one in this many runs at a rung continue."""
FIRST_RUNS = 3
"""Runs that the median rule lets finish before it starts to compare."""
HEARTBEAT, GRACE = 30, 120
"""Seconds between signs of life of a running trial in a database, and seconds after which it counts as dead."""
EXAMPLES, AGAIN = "examples", "again"
"""Attributes of a trial: how many training examples it has seen, and the killed trial that it repeats."""


def storage_of(address: str) -> BaseStorage:
    """Optuna's storage: a database for a URL, otherwise a journal file. Raises the database's own exceptions."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if "://" in address:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the heartbeat is marked as experimental
            return RDBStorage(
                address, heartbeat_interval=HEARTBEAT, grace_period=GRACE, heartbeat_stale_trial_callback=propose_again
            )
    return JournalStorage(JournalFileBackend(address))


def pruner_of(name: PrunerName) -> BasePruner:
    """The pruner of this name, which stops runs at evaluations; these are counted from 1."""
    from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner, WilcoxonPruner

    if name == "asha":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=HALVING)
    if name == "median":
        return MedianPruner(n_startup_trials=FIRST_RUNS, n_warmup_steps=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marked as experimental
        return WilcoxonPruner(p_threshold=0.1) if name == "wilcoxon" else NopPruner()


def propose_again(study: Study, lost: FrozenTrial) -> None:
    """Let the study try the setting of a killed trial again."""
    study.enqueue_trial(lost.params, user_attrs={AGAIN: lost.number})


def watcher(judged: Judged) -> Callable[[Sequence[CurvePoint]], bool]:
    """The function that a training run calls after each evaluation; it returns whether the study stops the run.

    A resumed run reports all evaluations that the study does not know yet, because its study trial may be a new one.
    """
    from optuna import load_study, logging
    from optuna.trial import Trial

    logging.set_verbosity(logging.WARNING)
    # The storage does not contain the pruner, and without one load_study uses the median rule.
    pruner = pruner_of(judged["pruner"])
    study = load_study(study_name=judged["study"], storage=storage_of(judged["storage"]), pruner=pruner)
    trial = Trial(study, judged["trial"])
    told = {*study._storage.get_trial(trial._trial_id).intermediate_values}

    def watch(curve: Sequence[CurvePoint]) -> bool:
        trial.set_user_attr(EXAMPLES, round(curve[-1]["epoch"] * judged["examples"]))
        evaluations = [point["validation"].get(judged["metric"]) for point in curve if "validation" in point]
        for number, value in enumerate(evaluations, 1):
            if value is not None and number not in told:  # None: not finite, or not computed during training
                trial.report(value, step=number)
                told.add(number)
        return evaluations[-1] is not None and trial.should_prune()

    return watch
