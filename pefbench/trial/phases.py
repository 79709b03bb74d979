"""What a phase costs: wall-clock seconds, processor seconds and peak memory, each phase for itself."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.results.schema import Phase


class Phases:
    """Times phases and takes their peak memory.

    On a GPU that is what the allocator held at most; on a CPU the process's resident set, imports included. Processor
    seconds are those of the process's own threads, taken on a CPU alone: a GPU's work is in none of them.
    """

    def __init__(self) -> None:
        self.costs: dict[str, Phase] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time inside the block to phase `name`; keep the highest peak seen in it, in bytes."""
        _reset_peak()
        started, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            cost = self.costs.setdefault(name, {"seconds": 0.0, "peak_memory_bytes": 0})
            cost["seconds"] += time.perf_counter() - started
            if not torch.cuda.is_available():
                cost["processor_seconds"] = cost.get("processor_seconds", 0.0) + time.process_time() - used
            cost["peak_memory_bytes"] = max(cost["peak_memory_bytes"], peak_memory_bytes())


def _reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        return
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5", encoding="ascii")  # proc(5): resets the resident set's high-water mark


def peak_memory_bytes() -> int:
    """The peak since the last reset, or since the start where the system cannot reset it."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
