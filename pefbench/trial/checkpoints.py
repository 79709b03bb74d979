"""Checkpoints: everything that a killed training run needs to go on as if nothing had happened.

One file, written whole or not at all: what steps have changed, the best weights so far, the random states of every
process, and how far the run is. All are of one moment. The data order needs no state, being a function of the seed and
the epoch.
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

    checkpoint_key: dict[str, object]  # code, packages, world size and hardware, without which it cannot go on
    progress: Plain  # of `Progressed`
    losses: list[float]  # of the steps since the last point of the curve
    random: list[RandomState]  # one for each process
    steps: stepping.State
    kept: keeping.State


def write(path: Path, state: State) -> None:
    """Write a checkpoint atomically. Raises OutputError when the disk is full or not writable."""
    try:
        with atomic.writing(path) as temporary, temporary.open("wb") as stream:
            torch.save(state, stream)
    except OutputError as error:
        if not path.exists():
            raise
        raise OutputError(f"{error}; the same command resumes from the last checkpoint") from error


def read(path: Path, checkpoint_key: Mapping[str, Any]) -> State | None:
    """The checkpoint, or None when there is none or it is of another code, world size or hardware.

    Going on from such a one would give a result that no single run of one version can reproduce.
    """
    if not path.exists():
        return None
    try:
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        say(f"warning: {path}: damaged checkpoint ({type(error).__name__}); training from the start")
        return None
    return state if state.get("checkpoint_key") == dict(checkpoint_key) else None
