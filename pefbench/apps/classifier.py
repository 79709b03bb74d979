"""Loads a trial that gives a text one label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pefbench
from pefbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench import Model

TRIED = "Shares fall."
"""A text with which a model is tested."""


def load(trial: Path) -> Model:
    """The trial's model. Raises DataError if it does not give a text one label with probabilities."""
    model = pefbench.load(trial)
    said = model.predict([TRIED])[0] if model.reads_texts and not model.generates else {}
    if not {"label", "probabilities"} <= {*said}:
        raise DataError(f"{trial}: is a trial of {model.task}, which does not give a text one label")
    return model
