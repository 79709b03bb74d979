"""One recipe, one trial, one result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.progress import say
from pefbench.trial.folder import EVALUATED
from pefbench.trial.trial import FROM_PYTHON, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.recipe import Recipe
    from pefbench.results.place import Place
    from pefbench.results.schema import Placement
    from pefbench.trial.cache import Shared
    from pefbench.trial.validation import Watch


def run(
    recipe: Recipe,
    out: Path | str | Place,
    *,
    command: str = FROM_PYTHON,
    rerun: bool = False,
    scored: Sequence[str] = EVALUATED,
    shared: Shared | None = None,
    time_merged: bool = False,
    processes_in_id: bool = True,
    reports: bool = False,
    watch: Watch | None = None,
    patience: float | None = None,
    placement: Placement | None = None,
) -> Path:
    """Run a recipe's trial, or find it finished; return the path of its result, on every process.

    out: a folder, or the address of a store (``s3://bucket/results``); the path returned is then that in its local
    mirror. command: the command line, for provenance. scored: the splits to predict; without test, as in tuning, test
    is not read and nothing is saved. shared: what other trials of this process have already read. time_merged: predict
    test once more with the method merged, to time it. processes_in_id: distinguish trials on other numbers of processes
    if that changes the numbers; a comparison does not, because it sets the number itself. reports: print each class's
    scores on validation during training, if there are classes. watch: gets each evaluation, and may stop the trial,
    which then fails with a PrunedError. patience: seconds to wait if another process runs the same trial; None: until
    it has ended. placement: where a cluster runs the trial, for provenance.
    Raises a UserError before training, also if the trial is finished but its model has since changed in place; a
    HeldError if another process runs the trial for longer than `patience`; a TrialError after it has started, in which
    case the result says `failed`.
    """
    trial = Trial(
        recipe,
        out,
        command=command,
        scored=scored,
        shared=shared,
        time_merged=time_merged,
        processes_in_id=processes_in_id,
        reports=reports,
        watch=watch,
        placement=placement,
    )
    if not rerun and trial.is_finished():
        return _as_it_is(trial)
    model = trial.make_model()  # what cannot work is refused before anything is written
    with trial.held(patience):
        finished = trial.is_finished()
        if finished and not rerun:  # by the process that held the lease
            return _as_it_is(trial)
        trial.run(model, again=finished)
    return trial.path


def _as_it_is(trial: Trial) -> Path:
    """The path of a finished trial's result. Raises DataError if it was trained from another model."""
    trial.check_model()
    if trial.is_main:
        say(f"already finished: {trial.path} (--rerun to train it again)")
    return trial.path


def dry_run(recipe: Recipe, out: Path | str | Place) -> None:
    """Do everything that `run` does before training, and print what it would train. Raises a UserError."""
    Trial(recipe, out).dry_run()
