"""Checkpoints: everything that a killed training run needs to resume as if it had not been interrupted.

A checkpoint is one file, written atomically: the state that steps change, the best weights so far, the random states of
every process, and the progress. All are from the same step. The data order needs no state because it is a function of
the seed and the epoch.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, TypedDict

import torch

from pefbench import atomic
from pefbench.errors import OutputError
from pefbench.progress import say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.trial import keeping, stepping
    from pefbench.trial.progressed import Plain
    from pefbench.trial.random_states import RandomState


class State(TypedDict):
    """The content of a checkpoint."""

    checkpoint_key: dict[str, object]  # model, code, packages and hardware: all equal, or it cannot resume
    progress: Plain  # of `Progressed`
    losses: list[float]  # of the steps since the last point of the curve
    random: list[RandomState]  # one for each process
    steps: stepping.State
    kept: keeping.State


def write(path: Path, state: State) -> None:
    """Write a checkpoint atomically. Raises OutputError if the disk is full or not writable."""
    try:
        with atomic.writing(path) as temporary, temporary.open("wb") as stream:
            torch.save(state, stream)
    except OutputError as error:
        if not path.exists():
            raise
        raise OutputError(f"{error}; the same command resumes from the last checkpoint") from error


def read(path: Path, checkpoint_key: Mapping[str, Any]) -> State | None:
    """The checkpoint, or None if it is missing or its key differs: another model, code, packages or hardware.

    Resuming from such a checkpoint would give a result that no single version can reproduce.
    """
    if not path.exists():
        return None
    try:
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        say(f"warning: {path}: damaged checkpoint ({type(error).__name__}); training from the start")
        return None
    return state if state.get("checkpoint_key") == dict(checkpoint_key) else None
