"""Several worker processes side by side, and the trials shared out among them."""

from __future__ import annotations

import os
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, cast

from pefbench.engines.process import Launched, Process
from pefbench.errors import PefbenchError, RecipeError, TrialError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from pefbench.engines.messages import Inspection, InspectRequest, Message


class Pool:
    """Several workers side by side. Use as a context manager: at its end all workers are killed."""

    def __init__(self, log: Path, workers: int) -> None:
        self.folder, self.size, self.stopped = log, workers, False
        self._has(
            [
                Process(log / f"worker-{number}.log", cores if workers > 1 else ())
                for number, cores in enumerate(shares(_cores(), workers))
            ]
        )

    def _has(self, members: Sequence[Process]) -> None:
        self.members = [*members]
        self.free: queue.SimpleQueue[Process] = queue.SimpleQueue()
        for member in self.members:
            self.free.put(member)

    def inspect(self, request: InspectRequest) -> Inspection:
        """Let a worker look at trials. Raises the PefbenchError that it met."""
        if isinstance(self.members[0], Launched):  # each of its launches runs one trial
            looking = Process(self.folder / "worker-inspect.log")
            try:
                answer = looking.ask(request)
            finally:
                looking.stop()
        else:
            answer = self.members[0].ask(request)
        if "error" in answer:
            raise (RecipeError if answer["exit_status"] == 2 else PefbenchError)(str(answer["error"]))
        return cast("Inspection", answer)

    def use_gpus(self, count: int) -> None:
        """From now on run each trial through `accelerate launch`, the GPUs shared out among the workers."""
        self._kill()
        parts = shares(range(count), min(self.size, count))
        self._has([Launched(self.folder / f"worker-{number}.log", part) for number, part in enumerate(parts)])

    def run(self, requests: Sequence[Message], tell: Callable[[int, str, str | None], None]) -> None:
        """Run trials, each as soon as a worker is free; those that another process runs are waited for at the end.

        `tell` gets a trial's number, "began", "held" or "ended", and its error.
        """
        held: queue.SimpleQueue[int] = queue.SimpleQueue()

        def work(number: int, patience: float | None) -> None:
            try:
                answer = self.one({**requests[number], "patience": patience}, began=lambda: tell(number, "began", None))
                error = str(answer["error"]) if "error" in answer else None
            except TrialError as died:
                answer, error = {}, str(died)
            if "held" in answer:
                held.put(number)
            tell(number, "held" if "held" in answer else "ended", error)

        threads = ThreadPoolExecutor(max_workers=len(self.members))
        try:
            for done in [threads.submit(work, number, 0.0) for number in range(len(requests))]:
                done.result()
            for done in [threads.submit(work, held.get(), None) for _ in range(held.qsize())]:
                done.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run one trial on the next worker that is free. Raises TrialError when its process dies."""
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
        """Kill all workers, for good."""
        self.stopped = True
        self._kill()

    def _kill(self) -> None:
        for member in self.members:
            member.stop()

    def __enter__(self) -> Self:
        """The pool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill all workers."""
        self.stop()


def shares(units: Sequence[int], workers: int) -> list[list[int]]:
    """Each worker's share of the cores or GPUs: at least one, which workers share if they must."""
    return [[*units[number % len(units) :: workers]] for number in range(workers)]


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]
