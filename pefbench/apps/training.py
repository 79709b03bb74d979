"""The models that an application needs: trained by `pefbench run`, once, in a folder of their own."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pefbench
from pefbench.errors import DataError, TrialError, UserError
from pefbench.results.store import load_results

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.apps.sections import TrainingSection

MODELS = "models"


def train(name: str, training: TrainingSection, folder: Path) -> Path:
    """The trial of a model, trained if it is not there. Raises TrialError where training fails.

    It runs in a process of its own, which prints what `pefbench run` prints; killed, it goes on the next time.
    """
    if training.trial is None and _finished(out := _out(name, training, folder)) is None:
        try:
            pefbench.run(training.recipe, out, method=training.method, overrides=training.overrides)
        except TrialError as error:
            raise TrialError(f"{name}: {error}") from None
    return trained(name, training, folder)


def trained(name: str, training: TrainingSection, folder: Path) -> Path:
    """The trial of a model. Raises DataError where there is none yet, or none at the address that was given."""
    if training.trial is not None:
        return pefbench.find(training.trial)
    found = _finished(_out(name, training, folder))
    if found is None:
        raise DataError(f"the model {name} is not trained yet with these settings; train it first: see --help")
    return pefbench.find(found)


def all_trained(trainings: Mapping[str, TrainingSection], folder: Path) -> dict[str, Path]:
    """The trials of all models, by name. Raises DataError."""
    return {name: trained(name, training, folder) for name, training in trainings.items()}


def _out(name: str, training: TrainingSection, folder: Path) -> Path:
    """The folder of one model's results: another for other settings."""
    settings = json.dumps(training.model_dump(mode="json", exclude={"trial"}), sort_keys=True)
    return folder / MODELS / f"{name}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def _finished(out: Path) -> Path | None:
    """The result of the trial that finished in a folder. One that was killed has left a checkpoint and no result."""
    try:
        results = load_results(out).results
    except UserError:
        return None
    found = [stored.path for stored in results if stored.result["status"] == "finished"]
    return found[0] if found else None
