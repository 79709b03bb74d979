"""Reports running out of memory as a trial's failure: what was requested, what was free, and what to set."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import torch

from pefbench import hardware
from pefbench.errors import OutOfMemoryError
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.recipe import Recipe

Doing = Literal["loading the model", "training", "predicting", "scoring"]

MESSAGES = (
    *("can't allocate memory", "out of memory", "Cannot allocate memory", "CUBLAS_STATUS_ALLOC_FAILED"),
    "failed to map segment",
)
"""Messages with which torch, the driver, the system and its dynamic loader report a failed allocation, if they have no
exception for it.
"""
ONEDNN, LITTLE = "could not create a primitive", 2**28
"""oneDNN's message, which it also gives for other failures; with fewer free bytes than this, it means memory."""
REQUEST = re.compile(r"[Tt]ried to allocate (\d+(?:\.\d+)?) ?(bytes|[KMG]i?B)")
UNITS = {"b": 1, "K": 2**10, "M": 2**20, "G": 2**30}
"""By their first letter: Apple's allocator writes MB but counts MiB."""
SMALLER = "quantise the base (model.quantize=nf4) or take a smaller model"


@contextmanager
def told(doing: Doing, recipe: Recipe, processes: int = 1) -> Iterator[None]:
    """Raise OutOfMemoryError, in one line, if memory runs out inside; other errors pass.

    processes: how many share a batch.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        if not is_it(error):
            raise
        message = f"out of memory in {doing}: {_sizes(error)}; {_advice(doing, recipe, processes)}"
        traceback.clear_frames(error.__traceback__)  # the frames hold what filled the memory
        raise OutOfMemoryError(message) from error


def is_it(error: BaseException) -> bool:
    """Whether an error means that the GPU or the machine has run out of memory."""
    if isinstance(error, OutOfMemoryError):
        return False  # already reported
    if str(error) == ONEDNN:
        return hardware.available_memory() < LITTLE
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(message in str(error) for message in MESSAGES)


def _sizes(error: BaseException) -> str:
    """The requested size, if the allocator reports it, and how much memory was free."""
    where = f"of {hardware.gpu_name()}" if hardware.kind() != "cpu" else "of main memory"
    free, total = readable(hardware.available_memory(), "B"), readable(hardware.total_memory(), "B")
    there = f"{free} of {total} {where} were free"
    request = REQUEST.search(str(error))
    if request is None:
        return there
    size = float(request[1]) * UNITS[request[2][0]]
    return f"{readable(size, 'B')} more requested; {there}"


def _advice(doing: Doing, recipe: Recipe, processes: int) -> str:
    """What to set; the cheapest remedy first."""
    match doing:
        case "loading the model":
            return SMALLER
        case "predicting":
            size = recipe.evaluate.batch_size
            if size > 1:
                return f"{size} examples were predicted at once: set evaluate.batch_size={size // 2}"
        case "scoring":
            return "the weights are trained: with more memory, the same command goes on from there"
        case "training":
            whole = -(-recipe.train.batch_size // processes)
            size = min(recipe.train.micro_batch_size or whole, whole)
            if size > 1:
                return (
                    f"{size} examples of up to {recipe.train.max_length} tokens were trained on at once: set "
                    f"train.micro_batch_size={size // 2}, which accumulates the same gradients"
                )
    return f"one example of {recipe.train.max_length} tokens does not fit: lower train.max_length, {SMALLER}"
