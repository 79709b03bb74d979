"""What tensors allocate and free while something runs, one after the other, as torch's allocators report it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pefbench import hardware

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.int64]]


FLAGS = ("shapes", "memory", "stack", "flops", "modules")
"""What torch's profiler can be asked to note, in the order of its arguments."""


def held(work: Callable[[], object]) -> Array:
    """The bytes that tensors on the device hold beyond those of before, after each allocation and release: (events,).

    Includes what operations allocate for themselves; not what libraries below torch do.
    """
    from torch._C._profiler import _ExperimentalConfig

    # The profiler without Kineto, which writes lines of its own to the standard error.
    autograd: Any = torch.autograd
    settings = autograd.ProfilerConfig(
        autograd.ProfilerState.CPU, *(flag == "memory" for flag in FLAGS), _ExperimentalConfig()
    )
    autograd._enable_profiler_legacy(settings)
    try:
        work()
    finally:
        threads = autograd._disable_profiler_legacy()
    # On a GPU the backward pass has a thread of its own, which the forward pass waits for
    events = [event for thread in threads for event in thread if event.kind() == "memory_alloc"]
    on_gpu = hardware.kind() == "cuda"
    sizes = [event.cuda_memory_usage() if on_gpu else event.cpu_memory_usage() for event in events]
    return np.cumsum(np.asarray(sizes or [0], dtype=np.int64))
