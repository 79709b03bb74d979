"""A worker process, which runs one trial at a time; if it dies, only that trial is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench import paths
from pefbench.errors import TrialError
from pefbench.paths import child_command, child_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.engines.messages import Message

KEPT_LINES = 20
LAST_LINES_TIMEOUT = 5.0
"""Seconds to wait for the last lines of a dead process."""


class Process:
    """A worker process, started at the first request and restarted after it has died.

    log: the file for its standard error.
    """

    def __init__(self, log: Path, cores: Sequence[int] = ()) -> None:
        self.log = log
        self.command = child_command("worker")
        if cores:
            self.command += ["--cores", ",".join(map(str, cores))]
        self.process: subprocess.Popen[str] | None = None
        self.listener: threading.Thread | None = None
        self.stopped = False
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)

    def ask(self, request: Message) -> Message:
        """The answer to a request. Raises TrialError if the process dies before it answers."""
        process = self.process = self.process if self.process and self.process.poll() is None else self._start()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a worker has pipes")
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise TrialError(ended(self._end(), self.lines))
        answer: Message = json.loads(line)
        return answer

    def stop(self) -> None:
        """Kill the process and everything that it has started; it is not started again."""
        self.stopped = True
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._end()

    def _end(self) -> int:
        """Wait for the process, read its last lines, close its pipes; return its exit status."""
        process = self.process
        if process is None:
            return 0
        status = process.wait()
        if process.stdin is not None:
            with suppress(OSError):  # a request that was never read is lost
                process.stdin.close()
        if self.listener is not None:  # after that, as the workers of a launcher end with their standard input
            self.listener.join(LAST_LINES_TIMEOUT)
        if process.stdout is not None:
            process.stdout.close()
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
            env=child_environment() | variables,
            start_new_session=True,
        )
        self.listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self.listener.start()
        return process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is None:
            raise AssertionError("a worker has pipes")
        with self.log.open("a", encoding="utf8") as log, process.stderr:
            for line in process.stderr:
                log.write(line)
                log.flush()
                self.lines.append(line.strip())


class Once(Process):
    """A new process for each trial, which ends when this process does."""

    variables: Mapping[str, str] = {}

    def command_for(self, request: Path) -> list[str]:
        """The command that runs the trial in a request file."""
        return child_command("worker", "--trial", str(request))

    def ask(self, request: Message) -> Message:
        """Run a trial. Raises TrialError if it fails or dies."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "request.json")
            file.write_text(json.dumps(request), encoding="utf8")
            self.command = self.command_for(file)
            self.process = process = self._start(**self.variables)
            if process.stdout is not None:  # standard input stays open: the trial ends with it
                last = process.stdout.read().strip().rpartition("\n")[2]
            status = self._end()
        if status != 0:
            raise TrialError(ended(status, self.lines))
        answer: Message = json.loads(last)
        return answer


class Launched(Once):
    """A new launch for each trial: `accelerate launch` with one process per GPU in `gpus`."""

    def __init__(self, log: Path, gpus: Sequence[int]) -> None:
        super().__init__(log)
        self.gpus = list(gpus)
        self.variables = {"CUDA_VISIBLE_DEVICES": ",".join(map(str, self.gpus))}

    def command_for(self, request: Path) -> list[str]:
        """The command that runs the trial in a request file on the GPUs."""
        return launch_command(len(self.gpus), request)


def launch_command(processes: int, request: Path) -> list[str]:
    """The command that runs one trial on several GPUs."""
    launch = [paths.INTERPRETER, "-m", "accelerate.commands.accelerate_cli", "launch", "--quiet"]
    several = ["--multi_gpu", "--num_machines", "1", "--main_process_port", "0"] if processes > 1 else []
    trial = ["-m", "pefbench", "worker", "--trial", str(request)]
    return [*launch, *several, "--num_processes", str(processes), "--mixed_precision", "no", *trial]


def ended(status: int, lines: Sequence[str]) -> str:
    """Why a process ended before its trial did, in one line."""
    last = next((line for line in reversed([*lines]) if line.startswith("error: ")), "").removeprefix("error: ")
    if status >= 0:
        return last or f"its process ended with status {status}"
    name = signal.Signals(-status).name if -status in {*signal.Signals} else f"signal {-status}"
    hint = "; the system does so when memory runs out" if -status == signal.SIGKILL else ""
    return f"its process was ended by {name}{hint}"
