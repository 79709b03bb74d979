"""Worker processes: each runs one trial at a time; one that dies takes its own trial down, and no other."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pefbench.errors import PefbenchError, RecipeError, TrialError
from pefbench.paths import child_environment
from pefbench.trial.round_trip import LAUNCHER_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    Message = dict[str, Any]

PEFBENCH = (sys.executable, "-m", "pefbench")
KEPT_LINES = 20
LAST_WORDS = 5.0
"""Seconds that a dead process's last lines are waited for."""


class Process:
    """One worker process, started when it is first asked, and again after it has died. `log`: what it says."""

    def __init__(self, log: Path, cores: Sequence[int] = ()) -> None:
        self.log = log
        self.command = [*PEFBENCH, "worker"]
        if cores:
            self.command += ["--cores", ",".join(map(str, cores))]
        self.process: subprocess.Popen[str] | None = None
        self.listener: threading.Thread | None = None
        self.stopped = False
        self.said: deque[str] = deque(maxlen=KEPT_LINES)

    def ask(self, request: Message) -> Message:
        """Return the answer to a request. Raises TrialError when the process dies over it."""
        process = self.process = self.process if self.process and self.process.poll() is None else self._start()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a worker is spoken to through pipes")
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise TrialError(ended(self._end(), self.said))
        answer: Message = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process and all that it has started, whatever they do; none is started again."""
        self.stopped = True
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._end()

    def _end(self) -> int:
        """Wait for the process, hear its last words, close its pipes; return its exit status."""
        process = self.process
        if process is None:
            return 0
        status = process.wait()
        if self.listener is not None:
            self.listener.join(LAST_WORDS)
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what it was not told is lost with it
                if pipe is not None:
                    pipe.close()
        return status

    def _start(self, **variables: str) -> subprocess.Popen[str]:
        if self.stopped:
            raise TrialError("it was stopped")
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment() | variables,
            start_new_session=True,
        )
        self.listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self.listener.start()
        return process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is None:
            raise AssertionError("a worker is listened to through a pipe")
        with self.log.open("a", encoding="utf8") as log, process.stderr:
            for line in process.stderr:
                log.write(line)
                log.flush()
                self.said.append(line.strip())


class Launched(Process):
    """A process for each trial, through `accelerate launch`: one for each GPU of those in `gpus`."""

    def __init__(self, log: Path, gpus: Sequence[int]) -> None:
        super().__init__(log)
        self.gpus = list(gpus)

    def ask(self, request: Message) -> Message:
        """Run the trial of a request. Raises TrialError when it fails or dies."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "request.json")
            file.write_text(json.dumps(request), encoding="utf8")
            self.command = launch_command(len(self.gpus), file)
            self.process = process = self._start(CUDA_VISIBLE_DEVICES=",".join(map(str, self.gpus)))
            if process.stdin is not None and process.stdout is not None:
                process.stdin.close()
                process.stdout.read()
            status = self._end()
        if status != 0:
            raise TrialError(ended(status, self.said))
        return {}


def launch_command(processes: int, request: Path) -> list[str]:
    """Return the command that runs one trial on several GPUs."""
    launch = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--quiet"]
    several = ["--multi_gpu", "--num_machines", "1", "--main_process_port", "0"] if processes > 1 else []
    trial = ["-m", "pefbench", "worker", "--trial", str(request)]
    return [*launch, *several, "--num_processes", str(processes), "--mixed_precision", "no", *trial]


class Pool:
    """Several workers side by side. Use as a context: at its end all have ended."""

    def __init__(self, log: Path, workers: int) -> None:
        self.folder, self.size = log, workers
        self.members: list[Process] = [
            Process(log / f"worker-{number}.log", cores if workers > 1 else ())
            for number, cores in enumerate(shares(_cores(), workers))
        ]

    def ask(self, request: Message) -> Message:
        """Ask the first worker. Raises the PefbenchError that it tells of."""
        answer = self.members[0].ask(request)
        if "error" in answer:
            raise RecipeError(answer["error"]) if answer["exit_status"] == 2 else PefbenchError(answer["error"])
        return answer

    def use_gpus(self, count: int) -> None:
        """From now on start each trial through `accelerate launch`, the GPUs shared out among the workers."""
        self.stop()
        parts = shares(range(count), min(self.size, count))
        self.members = [Launched(self.folder / f"worker-{number}.log", part) for number, part in enumerate(parts)]

    def run(self, requests: Sequence[Message], tell: Callable[[int, str, str | None], None]) -> None:
        """Run trials, each as soon as a worker is free; `tell`: a trial's number, began or ended, and its error."""
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(requests)):
            waiting.put(number)
        threads = [
            threading.Thread(target=self._work, args=(member, waiting, requests, tell), daemon=True)
            for member in self.members
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(
        self,
        member: Process,
        waiting: queue.SimpleQueue[int],
        requests: Sequence[Message],
        tell: Callable[[int, str, str | None], None],
    ) -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            tell(number, "began", None)
            try:
                error = member.ask({"do": "run", **requests[number]}).get("error")
            except TrialError as died:
                error = str(died)
            tell(number, "ended", error)

    def doing(self) -> list[str]:
        """Return the last line that each worker said."""
        return [member.said[-1] if member.said else "" for member in self.members]

    def stop(self) -> None:
        """End all workers."""
        for member in self.members:
            member.stop()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers."""
        self.stop()


def environment() -> dict[str, str]:
    """Return the environment of a process that is nobody's worker but ours, and finds this package."""
    return child_environment(LAUNCHER_VARIABLES)


def shares(units: Sequence[int], workers: int) -> list[list[int]]:
    """Return each worker's share of the cores, or of the GPUs: at least one."""
    return [[*units[number % len(units) :: workers]] for number in range(workers)]


def ended(status: int, said: Sequence[str]) -> str:
    """Return one line about a process that ended before its trial did."""
    last = next((line for line in reversed([*said]) if line.startswith("error: ")), "").removeprefix("error: ")
    if status >= 0:
        return last or f"its process ended with status {status}"
    name = signal.Signals(-status).name if -status in {*signal.Signals} else f"signal {-status}"
    hint = "; the system does so when memory runs out" if -status == signal.SIGKILL else ""
    return f"its process was ended by {name}{hint}"


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]
