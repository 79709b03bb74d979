"""The cost of each phase: wall-clock seconds, processor seconds and peak memory."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench import hardware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.results.schema import Phase


class Phases:
    """Measures the time and the peak memory of phases.

    Peak memory is that of `hardware.peak_memory`. Processor seconds are those of the process's own threads, measured
    only on a CPU: they do not include a GPU's work.
    """

    def __init__(self) -> None:
        self.costs: dict[str, Phase] = {}
        self.open: list[_Interval] = []

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time inside the block to phase `name`; keep the highest peak seen in it, in bytes.

        A phase inside another one interrupts it: the outer phase does not include its cost.
        """
        if self.open:
            self._add(self.open[-1])
        self.open.append(_Interval(name))
        try:
            yield
        finally:
            self._add(self.open.pop())
            if self.open:
                self.open.append(_Interval(self.open.pop().phase))

    def peaks(self) -> dict[str, int]:
        """The highest peak memory of each phase so far, in bytes; for the open phase, up to now."""
        found = {name: cost["peak_memory_bytes"] for name, cost in self.costs.items()}
        if self.open:
            name = self.open[-1].phase
            found[name] = max(found.get(name, 0), hardware.peak_memory())
        return found

    def _add(self, interval: _Interval) -> None:
        """Add the cost of a phase since an interval began."""
        cost = self.costs.setdefault(interval.phase, {"seconds": 0.0, "peak_memory_bytes": 0})
        cost["seconds"] += time.perf_counter() - interval.started
        if hardware.kind() == "cpu":
            cost["processor_seconds"] = cost.get("processor_seconds", 0.0) + time.process_time() - interval.used
        cost["peak_memory_bytes"] = max(cost["peak_memory_bytes"], hardware.peak_memory())


class _Interval:
    """A part of a phase, starting now."""

    def __init__(self, phase: str) -> None:
        hardware.reset_peak()
        self.phase, self.started, self.used = phase, time.perf_counter(), time.process_time()
