"""What runs trials: each engine is one file of this room, named as `--on` names it, that exports ``ENGINE``."""

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
    """Is given a trial's number, "began", "held" or "ended", and its error."""

EngineName = Literal["local", "ray", "slurm"]
NAMES: tuple[EngineName, ...] = get_args(EngineName)
CLUSTERS = "ray", "slurm"


@dataclass(frozen=True)
class Resources:
    """Where trials run, and what each is given there.

    workers: trials side by side; None: one on this machine, on a cluster as many as there is room for. cpus, gpus: of
    one trial on a cluster; None: one core, and one GPU where there are any. partition: of SLURM; None: its default.
    minutes: of a job there; None: as many as the partition gives one that does not say.
    """

    on: EngineName = "local"
    workers: int | None = None
    cpus: int | None = None
    gpus: int | None = None
    minutes: int | None = None
    partition: str | None = None

    def check(self) -> None:
        """Raise UserError for what the engine has no use for."""
        if self.on not in CLUSTERS and (self.cpus is not None or self.gpus is not None):
            raise UserError(f"{'--cpus' if self.cpus is not None else '--gpus'}: needs --on ray or --on slurm")
        for option, given in (("--partition", self.partition), ("--time-limit", self.minutes)):
            if self.on != "slurm" and given is not None:
                raise UserError(f"{option}: needs --on slurm")


HERE = Resources()
"""One trial at a time, on this machine."""


def engine(log: Path, resources: Resources) -> Engine:
    """The engine of this name. Raises UserError where it is not installed or does not answer."""
    resources.check()
    made: type[Engine] = import_module(f"pefbench.engines.{resources.on}").ENGINE
    return made(log, resources)


class Engine(ABC):
    """Runs trials. Use as a context manager: at its end all that still run are stopped.

    log: the folder of its logs. size: trials side by side.
    """

    def __init__(self, log: Path, resources: Resources) -> None:
        self.folder, self.resources, self.size = log, resources, resources.workers or 1
        self.stopped = False
        self._looking: Process | None = None

    @abstractmethod
    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run one trial when there is room, and return the worker's answer. Raises TrialError when its process dies."""

    def inspect(self, request: InspectRequest) -> Inspection:
        """Look at trials, on this machine, in a process that waits for more. Raises the PefbenchError that it met."""
        if self._looking is None:
            self._looking = Process(self.folder / "worker-inspect.log")
        return inspected(self._looking, request)

    def _look_no_more(self) -> None:
        """End the process that looks at trials."""
        if self._looking is not None:
            self._looking.stop()
            self._looking = None

    def use_gpus(self, count: int) -> None:  # noqa: B027 - a cluster does nothing
        """Use the GPUs that the inspection found on this machine; a cluster has its own."""

    def run(self, requests: Sequence[Message], tell: Tell) -> None:
        """Run trials, each as soon as there is room; those that another process runs are waited for at the end."""
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
        """What is going on, as lines for people."""
        return []

    def stop(self) -> None:
        """End all that runs, for good."""
        self.stopped = True
        self._look_no_more()

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that runs."""
        self.stop()


def inspected(process: Process, request: InspectRequest) -> Inspection:
    """What a process finds out of trials. Raises the PefbenchError that it met."""
    answer = process.ask(request)
    if "error" in answer:
        raise (RecipeError if answer["exit_status"] == 2 else PefbenchError)(str(answer["error"]))
    return cast("Inspection", answer)
