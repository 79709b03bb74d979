"""Several worker processes on this machine at once."""

from __future__ import annotations

import os
import queue
from typing import TYPE_CHECKING

from pefbench.engines.engine import Engine, Resources, inspected
from pefbench.engines.process import Launched, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pefbench.engines.messages import Inspection, InspectRequest, Message


class Pool(Engine):
    """Worker processes on this machine, each of which runs one trial after another."""

    def __init__(self, log: Path, resources: Resources) -> None:
        super().__init__(log, resources)
        workers = resources.workers or 1
        self._has(
            [
                Process(log / f"worker-{number}.log", cores if workers > 1 else ())
                for number, cores in enumerate(shares(_cores(), workers))
            ]
        )

    def _has(self, members: Sequence[Process]) -> None:
        self.members = [*members]
        self.size = len(self.members)
        self.free: queue.SimpleQueue[Process] = queue.SimpleQueue()
        for member in self.members:
            self.free.put(member)

    def inspect(self, request: InspectRequest) -> Inspection:
        """Let a worker inspect trials. Re-raises its PefbenchError."""
        if isinstance(self.members[0], Launched):  # each of its launches runs one trial
            try:
                return super().inspect(request)
            finally:
                self._look_no_more()  # leave the GPUs to the trials
        return inspected(self.members[0], request)

    def use_gpus(self, count: int) -> None:
        """From now on run each trial through `accelerate launch`, with the GPUs divided among the workers."""
        self._kill()
        parts = shares(range(count), min(self.resources.workers or 1, count))
        self._has([Launched(self.folder / f"worker-{number}.log", part) for number, part in enumerate(parts)])

    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run one trial on the next free worker. Raises TrialError if its process dies."""
        member = self.free.get()
        try:
            began()
            return member.ask({"do": "run", **request})
        finally:
            self.free.put(member)

    def doing(self) -> list[str]:
        """The last line of each worker's standard error."""
        return [member.lines[-1] if member.lines else "" for member in self.members]

    def stop(self) -> None:
        """Kill all workers; they are not started again."""
        super().stop()
        self._kill()

    def _kill(self) -> None:
        for member in self.members:
            member.stop()


ENGINE = Pool


def shares(units: Sequence[int], workers: int) -> list[list[int]]:
    """Each worker's share of the cores or GPUs: at least one, shared between workers if there are too few."""
    return [[*units[number % len(units) :: workers]] for number in range(workers)]


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]
