"""Checkpoints: everything that a killed training run needs to go on as if nothing had happened.

One file, written whole or not at all: what is trained, the optimizer, the random states of every process, and how far
the run is. The data order needs no state, being a function of the seed and the epoch.
"""

from __future__ import annotations

import pickle
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np
import torch

from pefbench import atomic, hardware
from pefbench.errors import OutputError
from pefbench.progress import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import nn

    from pefbench.methods._types import MethodState


class RandomState(TypedDict):
    """The random states of one process, as plain values and tensors."""

    python: list[Any]  # as `random.getstate` has them
    numpy: list[Any]  # as `np.random.get_state` has them
    torch: torch.Tensor
    gpu: NotRequired[torch.Tensor]


class State(TypedDict):
    """The content of a checkpoint."""

    checkpoint_key: dict[str, object]  # code, packages, world size and hardware, without which it cannot go on
    progress: dict[str, Any]  # the fields of `loop.Progressed`
    random: list[RandomState]  # one for each process
    trained: dict[str, torch.Tensor]
    optimizer: dict[str, Any]  # torch's own state
    method: MethodState  # the method's own state
    scaler: dict[str, Any] | None  # accelerate's, of fp16
    best: Any  # None, or the `keeping.Weights` of an earlier step, where the best one is to be kept


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


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes: trainable weights and the buffers that are saved with a model."""
    persistent = model.state_dict().keys()
    weights = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
    return weights | {name: buffer for name, buffer in model.named_buffers() if name in persistent}


@torch.no_grad()
def restore_trained(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Copy `trained_state` back in place; both must have the same names."""
    places = trained_state(model)
    if places.keys() != state.keys():
        raise RuntimeError(f"the checkpoint holds other weights: {sorted(places.keys() ^ state.keys())[:5]}")
    for name, place in places.items():
        place.copy_(state[name])


def random_state() -> RandomState:
    """This process's random states, as plain values and tensors."""
    version, keys, gauss = random.getstate()
    name, vector, position, has_gauss, cached = np.random.get_state()  # libraries draw from it
    state: RandomState = {
        "python": [version, list(keys), gauss],
        "numpy": [str(name), np.asarray(vector).tolist(), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    on_gpu = hardware.random_state()
    if on_gpu is not None:
        state["gpu"] = on_gpu
    return state


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put the random states back behind the block, whatever it drew."""
    before = random_state()
    try:
        yield
    finally:
        restore_random(before)


def restore_random(state: RandomState) -> None:
    """Put this process's random states back."""
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    name, vector, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.asarray(vector, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if "gpu" in state:
        hardware.restore_random(state["gpu"])
