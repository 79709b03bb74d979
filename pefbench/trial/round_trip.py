"""The round trip: what a trial saved is loaded in a fresh process and must make the same predictions as the trial.

The most common way to publish an adapter that does not reach its reported scores is a trained head that was lost, or
that stays randomly initialised after loading.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from pefbench.errors import DataError, RecipeError, RoundTripError, TrialError
from pefbench.paths import child_command, child_environment
from pefbench.recipe import load_resolved
from pefbench.trial import build, devices, forked_check, portable, stopping
from pefbench.trial.cache import Shared
from pefbench.trial.fast_paths import batches_fitted
from pefbench.trial.folder import PREDICTIONS, read_predictions
from pefbench.trial.phases import Phases
from pefbench.trial.predict import predict
from pefbench.trial.prepare import prepare
from pefbench.trial.saved import MODEL, TRIAL, check_model, read_trial

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads.head import Head
    from pefbench.results.schema import RoundTrip
    from pefbench.trial.prepare import Prepared


LARGEST = 10**300
"""Larger integers do not fit into a float."""


class Verified(TypedDict):
    """The outcome of a successful round trip."""

    examples: int
    """Number of examples compared."""
    differ: int
    """How many of them are answered differently: none, except for rounding; see `Answers.mismatch_tolerance`."""


def check_in_fresh_process(folder: Path, *, forked: bool) -> RoundTrip:
    """Run `pefbench verify FOLDER` in another process. forked: it may be a fork of `forked_check`, if that waits.

    Raises RoundTripError, or a TrialError if the process is killed.
    """
    started = time.perf_counter()
    command = ("verify", "--json", str(folder))
    done = forked_check.run(*command) if forked else None
    if done is None:
        with stopping.ignoring():
            done = subprocess.run(
                child_command(*command), capture_output=True, text=True, env=child_environment(), check=False
            )
    if done.returncode < 0:  # for example because memory ran out; this says nothing about what was saved
        raise TrialError(f"{folder}: the process that reloads it was ended by signal {-done.returncode}")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        if lines[-1].startswith("error: "):
            raise RoundTripError(lines[-1].removeprefix("error: "))
        raise RoundTripError(f"{folder}: the saved model cannot be loaded in a fresh process: {lines[-1]}")
    found: Verified = json.loads(done.stdout.splitlines()[-1])
    return {"reproduced": True, **found, "seconds": time.perf_counter() - started}


def verify(folder: Path) -> Verified:
    """Load what a trial saved and predict its test split again.

    Raises RoundTripError if predictions differ, and a UserError if what was saved is damaged or the data are not those
    of the trial.
    """
    trial = read_trial(folder)
    check_model(folder, trial)
    before = read_predictions(folder)
    try:
        recipe = load_resolved(trial["recipe"])
    except RecipeError as error:
        raise DataError(f"{folder / TRIAL}: damaged: recipe: {error}") from None
    recipe = recipe.with_train(threads=trial["threads"])
    devices.set_threads(recipe.train.threads)
    shared = Shared(tokens_on_disk=False, counts_near=False)  # the trial may have written the cached tokens itself
    prepared = prepare(recipe, Phases(), ["test"], shared, saved=folder / MODEL)
    if prepared.corpus.fingerprint != trial["fingerprint"]:
        raise DataError(f"{recipe.data.source}: the data have changed since {folder} was trained")
    portable.check_base(prepared, trial, shared)
    try:
        prepared = replace(prepared, head=prepared.head.with_thresholds(trial.get("thresholds", {})))
    except DataError as error:
        raise DataError(f"{folder / TRIAL}: damaged: {error}") from None
    if len(before) != (examples := len(prepared.examples["test"])):
        raise DataError(f"{folder / PREDICTIONS}: damaged: {len(before)} predictions for {examples} test examples")
    device, after = _predict_again(folder, prepared, fitted=batches_fitted(trial.get("fast_paths", [])))
    differ = _differing(folder, prepared.head, before, after)
    if len(differ) > allowed(prepared.head, device, len(before)):
        raise RoundTripError(
            f"{folder}: after reloading, {len(differ)} of {len(before)} test predictions differ (first: {differ[0]})"
        )
    return {"examples": len(before), "differ": len(differ)}


def allowed(head: Head, device: str, examples: int) -> int:
    """How many predictions rounding may change between two processes; none on a CPU."""
    tolerance = head.answers.mismatch_tolerance
    return 0 if device == "cpu" or tolerance == 0 else max(1, int(tolerance * examples))


def _predict_again(folder: Path, prepared: Prepared, *, fitted: bool) -> tuple[str, list[Any]]:
    """The type of device, and the loaded model's answers to the test split."""
    accelerator = devices.accelerator(prepared.recipe.train.precision)
    model = build.saved(prepared, folder / MODEL)
    answers = predict(
        accelerator.prepare(model),
        prepared.encoded["test"],
        prepared.head,
        accelerator,
        batch_size=prepared.recipe.evaluate.batch_size,
        what="verify",
        fitted=fitted,
    )
    return accelerator.device.type, prepared.head.answers.judged(answers, prepared.examples["test"])


def _differing(folder: Path, head: Head, before: list[Any], after: list[Any]) -> list[int]:
    """The examples that are answered differently. Raises DataError for anything that is not an answer of this head."""
    found = []
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if not _alike(old, new):
            raise DataError(
                f"{folder / PREDICTIONS}:{number + 1}: damaged: the prediction is not of the form "
                f"{json.dumps(new, ensure_ascii=False)}"
            )
        if not head.answers.same(old, new):
            found.append(number)
    return found


def _alike(old: Any, new: Any) -> bool:
    """Whether two JSON values have the same form: types and names of fields; lists may have any length."""
    if type(new) in {int, float}:
        return type(old) is float or (type(old) is int and abs(old) < LARGEST)
    if type(old) is not type(new):
        return False
    if isinstance(new, dict):
        return old.keys() == new.keys() and all(_alike(old[name], value) for name, value in new.items())
    if isinstance(new, list) and new:
        return all(_alike(item, new[0]) for item in old)
    return True
