"""Run programs in the sandbox, one or many, and say how each ended."""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from pefbench.errors import SandboxError
from pefbench.metrics.sandbox import SECRET
from pefbench.paths import PACKAGE, PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Literal["passed", "failed", "timeout", "memory", "space"]

MEBIBYTE = 2**20
CHILD = PACKAGE / "metrics" / "sandbox" / "child.py"
POLL_MILLISECONDS = 50
TAIL = 2000
"""Bytes that are kept of what a program writes to the standard error."""
SURROUNDINGS = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
"""The environment of a program, all of it. Sets of texts have the same order each time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use.

    seconds: of the processor. wall_seconds: more, so that a busy machine fails no program that would end in time.
    memory: bytes of address space. file_size: bytes of one file, the standard error among them. folder_size: bytes of
    all files in the scratch folder, looked at every 50 ms. open_files: at once.
    """

    seconds: int = 3
    wall_seconds: float = 30.0
    memory: int = 512 * MEBIBYTE
    file_size: int = MEBIBYTE
    folder_size: int = 16 * MEBIBYTE
    open_files: int = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and the end of what it wrote to the standard error, such as its traceback.

    passed: it ran to its last line. failed: it did not. timeout, memory, space: it took more than the limits allow.
    """

    status: Status
    stderr: str

    @property
    def passed(self) -> bool:
        """Whether the program ran to its last line."""
        return self.status == "passed"


def run(program: str, limits: Limits | None = None) -> Outcome:
    """Run one program in a process and an empty folder of its own; neither is left. Raises SandboxError."""
    limits = limits or Limits()
    _refuse_other_systems()
    secret = secrets.token_hex(SECRET // 2).encode()
    with (
        tempfile.TemporaryDirectory(prefix="pefbench-") as folder,
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(program.encode("utf-8", "surrogatepass") + secret)
        given.seek(0)
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", 0) as report:
            try:
                process = _start(limits, Path(folder), given, errors, writing)
            finally:
                os.close(writing)
            stopped, used = _watch(process, Path(folder), limits)
            reported = report.read(SECRET + 1000) or b""
        return _outcome(reported, secret, stopped or _over_limit(process.returncode, used, limits), _tail(errors))


def run_all(programs: Iterable[str], limits: Limits | None = None, workers: int | None = None) -> list[Outcome]:
    """Run programs, `workers` at a time, by default as many as there are processors. Raises SandboxError."""
    _refuse_other_systems()
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(partial(run, limits=limits), programs))


def require_sandbox() -> None:
    """Raise SandboxError where programs cannot be run, before the hours that it takes to get them."""
    outcome = run("")
    if not outcome.passed:
        raise SandboxError(f"an empty program fails in the sandbox: {outcome.stderr.strip()[-200:]!r}")


def _refuse_other_systems() -> None:
    if sys.platform != "linux":
        raise SandboxError(
            f"generated programs are run on Linux only, not on {sys.platform}; use a Linux container or WSL"
        )


def _start(limits: Limits, folder: Path, given: IO[bytes], errors: IO[bytes], report: int) -> subprocess.Popen[bytes]:
    numbers = (os.getpid(), limits.seconds, limits.memory, limits.file_size, limits.open_files, report)
    python = getattr(sys, "_base_executable", sys.executable)  # an environment's packages are not for the program
    return subprocess.Popen(
        [python, "-s", "-S", "-P", str(CHILD), *map(str, numbers), str(Path.home()), str(PROJECT)],
        stdin=given,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd=folder,
        env=SURROUNDINGS,
        pass_fds=(report,),
        start_new_session=True,
    )


def _watch(process: subprocess.Popen[bytes], folder: Path, limits: Limits) -> tuple[Status | None, float]:
    """Wait until the process has ended, and end it when it takes too long or too much room.

    Returns which of the two, or None, and the seconds of the processor that it took.
    """
    stopped: Status | None = None
    deadline = time.monotonic() + limits.wall_seconds
    ended = select.poll()
    try:
        watched = os.pidfd_open(process.pid)
    except OSError as error:
        process.kill()
        process.wait()
        raise SandboxError(f"processes cannot be watched here: {error.strerror}; it needs Linux 5.13") from None
    ended.register(watched, select.POLLIN)
    try:
        while not ended.poll(POLL_MILLISECONDS):
            if time.monotonic() > deadline:
                stopped = "timeout"
            elif _used(folder) > limits.folder_size:
                stopped = "space"
            if stopped:
                break
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        os.close(watched)
    return stopped, usage.ru_utime + usage.ru_stime


def _used(folder: Path) -> int:
    """The bytes that a folder's files take on the disk; an empty one takes a block, too."""
    used = 0
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            used += max(entry.stat(follow_symlinks=False).st_blocks * 512, 4096)
    return used


def _over_limit(code: int, used: float, limits: Limits) -> Status | None:
    """Which limit a process went over, if any.

    SIGXCPU, which time's limit sends, can be blocked, caught or ignored: the seconds that were used tell as well. The
    kernel, short of memory, sends SIGKILL.
    """
    if code == -signal.SIGXCPU or used >= limits.seconds:
        return "timeout"
    return "memory" if code == -signal.SIGKILL else None


def _outcome(reported: bytes, secret: bytes, stopped: Status | None, stderr: str) -> Outcome:
    """How a program ended, by what its process reported before and after it. Raises SandboxError."""
    ready, _, ending = reported.partition(b" ")
    if ready == b"refused":
        raise SandboxError(
            f"generated programs are not run here, as the sandbox is not tight: {ending.decode()}; "
            "it needs Linux 5.13 with Landlock and seccomp, on x86_64 or aarch64, and a container that allows them"
        )
    if stopped:  # also before it was ready, on a machine that is too busy
        return Outcome(stopped, stderr)
    if ready != b"ready":
        raise SandboxError(f"the sandbox did not start: {stderr.strip()[-200:] or f'it said {reported!r}'}")
    if secrets.compare_digest(ending, b"passed " + secret):
        return Outcome("passed", stderr)
    return Outcome("memory" if ending == b"memory" else "failed", stderr)


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - TAIL))
    return errors.read().decode("utf-8", "replace")
