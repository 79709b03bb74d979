"""The interface of engines, which run trials. Each engine is a module here, named as in `--on`, with an ``ENGINE``."""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Self, cast, get_args

from pefbench.engines.process import Process
from pefbench.errors import PefbenchError, RecipeError, TrialError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from pefbench.engines.messages import Inspection, InspectRequest, Message

    Tell = Callable[[int, str, str | None], None]
    """Called with a trial's number, an event ("began", "held" or "ended") and the error, if any."""

EngineName = Literal["local", "ray", "slurm"]
NAMES: tuple[EngineName, ...] = get_args(EngineName)
CLUSTERS = "ray", "slurm"


@dataclass(frozen=True)
class Resources:
    """Where trials run, and the resources of each.

    workers: trials at once; None: one on this machine, as many as fit on a cluster. cpus, gpus: per trial on a cluster;
    None: one core, and one GPU if there are any. partition: SLURM's; None: its default. minutes: time limit of a SLURM
    job; None: the partition's default.
    """

    on: EngineName = "local"
    workers: int | None = None
    cpus: int | None = None
    gpus: int | None = None
    minutes: int | None = None
    partition: str | None = None

    def check(self) -> None:
        """Raise UserError for options that the engine does not support."""
        if self.on not in CLUSTERS and (self.cpus is not None or self.gpus is not None):
            raise UserError(f"{'--cpus' if self.cpus is not None else '--gpus'}: needs --on ray or --on slurm")
        for option, given in (("--partition", self.partition), ("--time-limit", self.minutes)):
            if self.on != "slurm" and given is not None:
                raise UserError(f"{option}: needs --on slurm")


HERE = Resources()
"""One trial at a time, on this machine."""


def engine(log: Path, resources: Resources) -> Engine:
    """Start the engine that `resources` names. Raises UserError if it is not installed or does not answer."""
    resources.check()
    made: type[Engine] = import_module(f"pefbench.engines.{resources.on}").ENGINE
    return made(log, resources)


class Engine(ABC):
    """Runs trials. Use it as a context manager: at its end, trials that still run are stopped.

    log: the folder for logs. size: trials at once.
    """

    def __init__(self, log: Path, resources: Resources) -> None:
        self.folder, self.resources, self.size = log, resources, resources.workers or 1
        self.stopped = False
        self._looking: Process | None = None

    @abstractmethod
    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run one trial when there is room, and return the worker's answer. Raises TrialError if its process dies."""

    def inspect(self, request: InspectRequest) -> Inspection:
        """Inspect trials on this machine, in a process that stays alive. Re-raises its PefbenchError."""
        if self._looking is None:
            self._looking = Process(self.folder / "worker-inspect.log")
        return inspected(self._looking, request)

    def _look_no_more(self) -> None:
        """End the process that inspects trials."""
        if self._looking is not None:
            self._looking.stop()
            self._looking = None

    def use_gpus(self, count: int) -> None:  # noqa: B027 - a cluster does nothing
        """Use the GPUs that the inspection found on this machine; a cluster ignores this."""

    def run(self, requests: Sequence[Message], tell: Tell) -> None:
        """Run trials, each as soon as there is room; wait at the end for those that another process runs."""
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

        threads = ThreadPoolExecutor(max_workers=self.size)
        try:
            for done in [threads.submit(work, number, 0.0) for number in range(len(requests))]:
                done.result()
            for done in [threads.submit(work, held.get(), None) for _ in range(held.qsize())]:
                done.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def doing(self) -> list[str]:
        """Current activity, as lines for display."""
        return []

    def stop(self) -> None:
        """End everything that runs; the engine cannot be used again."""
        self.stopped = True
        self._look_no_more()

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything that runs."""
        self.stop()


def inspected(process: Process, request: InspectRequest) -> Inspection:
    """Ask a process to inspect trials. Re-raises its PefbenchError."""
    answer = process.ask(request)
    if "error" in answer:
        raise (RecipeError if answer["exit_status"] == 2 else PefbenchError)(str(answer["error"]))
    return cast("Inspection", answer)
