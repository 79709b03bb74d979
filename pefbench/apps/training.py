"""Trains the models that an application needs with `pefbench run`, each in its own folder."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pefbench
from pefbench.atomic import write_text
from pefbench.errors import DataError, PefbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.apps.sections import TrainingSection

MODELS = "models"
CURRENT = "current"
"""The file in a model's folder that names the trial requested last; each trial there has different data."""


def train(name: str, training: TrainingSection, folder: Path) -> Path:
    """The trial of a model, trained unless there is one with these settings and data.

    Training runs in its own process, which prints what `pefbench run` prints. If it is killed, the next call resumes
    it; until it has finished, `trained` returns the previous trial. Raises TrialError if training fails, and UserError
    if the settings or the data are wrong.
    """
    if training.trial is None and training.recipe is not None:
        out = _out(name, training, folder)
        try:
            result = pefbench.run(training.recipe, out, method=training.method, overrides=training.overrides)
        except PefbenchError as error:
            raise type(error)(f"{name}: {error}") from None
        write_text(out / CURRENT, os.path.relpath(result, out))
    return trained(name, training, folder)


def trained(name: str, training: TrainingSection, folder: Path) -> Path:
    """The trial of a model. Raises DataError if it is not trained yet, or not found at the given address."""
    if training.trial is not None:
        return pefbench.find(training.trial)
    out = _out(name, training, folder)
    try:
        current = (out / CURRENT).read_text(encoding="utf8")
    except (OSError, ValueError):
        raise DataError(
            f"the model {name} is not trained yet with these settings; run the same command with train"
        ) from None
    return pefbench.find(out / current)


def all_trained(trainings: Mapping[str, TrainingSection], folder: Path) -> dict[str, Path]:
    """The trials of all models, by name. Raises DataError."""
    return {name: trained(name, training, folder) for name, training in trainings.items()}


def _out(name: str, training: TrainingSection, folder: Path) -> Path:
    """The folder of a model's results, different for other settings, but the same wherever `folder` is."""
    values = training.model_dump(mode="json", exclude={"trial"})
    values["overrides"] = [each.replace(f"=file:{folder}{os.sep}", "=file:") for each in training.overrides]
    settings = json.dumps(values, sort_keys=True)
    return folder / MODELS / f"{name}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"
