"""The random states of a process, from which libraries draw: those of Python, NumPy, torch and the GPU."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np
import torch

from pefbench import hardware

if TYPE_CHECKING:
    from collections.abc import Iterator


class RandomState(TypedDict):
    """The random states of one process, as plain values and tensors."""

    python: list[Any]  # as from `random.getstate`
    numpy: list[Any]  # as from `np.random.get_state`
    torch: torch.Tensor
    gpu: NotRequired[torch.Tensor]


def current() -> RandomState:
    """This process's random states."""
    version, keys, gauss = random.getstate()
    name, vector, position, has_gauss, cached = np.random.get_state()
    state: RandomState = {
        "python": [version, list(keys), gauss],
        "numpy": [str(name), np.asarray(vector).tolist(), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    on_gpu = hardware.random_state()
    if on_gpu is not None:
        state["gpu"] = on_gpu
    return state


def restore(state: RandomState) -> None:
    """Restore this process's random states."""
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    name, vector, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.asarray(vector, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if "gpu" in state:
        hardware.restore_random(state["gpu"])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Restore the random states after the block, whatever the block drew."""
    before = current()
    try:
        yield
    finally:
        restore(before)
