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

    out: a folder, or the address of a store (``s3://bucket/results``); then the path is that in its mirror here.
    command: the command line, for provenance. scored: the splits to predict; without test it is neither read nor saved
    for, as in tuning. shared: what other trials of this process have read already. time_merged: predict test once more
    with the method merged, to time it. processes_in_id: tell trials on other numbers of processes apart where that
    changes the numbers; a comparison does not, and chooses the number itself. reports: print each class's scores on
    validation during training, where there are classes. watch: is given each evaluation, and may stop the trial, which
    then fails with a PrunedError. patience: seconds to wait where another process runs the same trial; None: until it
    has ended. placement: where a cluster runs it, for provenance.
    Raises a UserError before training, also for a finished result of a model that has changed in place since; a
    HeldError where another process runs it for longer than `patience`; a TrialError after it has started; then the
    result says `failed`.
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
        if finished and not rerun:  # by the process that was waited for
            return _as_it_is(trial)
        trial.run(model, again=finished)
    return trial.path


def _as_it_is(trial: Trial) -> Path:
    """The result of a finished trial. Raises DataError for one of another model."""
    trial.check_model()
    if trial.is_main:
        say(f"already finished: {trial.path} (--rerun to train it again)")
    return trial.path


def dry_run(recipe: Recipe, out: Path | str | Place) -> None:
    """Do everything that `run` does before training, and print what would be trained. Raises a UserError."""
    Trial(recipe, out).dry_run()
