"""Runs programs in the sandbox and returns how each ended."""

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
"""How many bytes of a program's standard error are kept."""
SURROUNDINGS = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
"""A program's whole environment. With it, sets of texts have the same order each time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The resources that a program may use.

    seconds: processor time. wall_seconds: longer, so that programs do not fail because the machine is busy. memory:
    bytes of address space. file_size: bytes of a single file, including standard error. folder_size: bytes of all files
    in the scratch folder, checked every 50 ms. open_files: open at once.
    """

    seconds: int = 3
    wall_seconds: float = 30.0
    memory: int = 512 * MEBIBYTE
    file_size: int = MEBIBYTE
    folder_size: int = 16 * MEBIBYTE
    open_files: int = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and the end of its standard error, such as a traceback.

    passed: it ran to its last line. failed: it did not. timeout, memory, space: it exceeded a limit.
    """

    status: Status
    stderr: str

    @property
    def passed(self) -> bool:
        """Whether the program ran to its last line."""
        return self.status == "passed"


def run(program: str, limits: Limits | None = None) -> Outcome:
    """Run one program in its own process and empty folder, both of which are removed. Raises SandboxError."""
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
    """Run programs, `workers` at a time, by default one per processor. Raises SandboxError."""
    _refuse_other_systems()
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(partial(run, limits=limits), programs))


def require_sandbox() -> None:
    """Raise SandboxError if programs cannot be run here, before hours are spent on generating them."""
    outcome = run("")
    if not outcome.passed:
        raise SandboxError(f"an empty program fails in the sandbox: {outcome.stderr.strip()[-200:]!r}")


def _refuse_other_systems() -> None:
    if sys.platform != "linux":
        raise SandboxError(f"generated programs run on Linux only, not on {sys.platform}; use a Linux container or WSL")


def _start(limits: Limits, folder: Path, given: IO[bytes], errors: IO[bytes], report: int) -> subprocess.Popen[bytes]:
    numbers = (os.getpid(), limits.seconds, limits.memory, limits.file_size, limits.open_files, report)
    python = getattr(sys, "_base_executable", sys.executable)  # the program must not see the environment's packages
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
    """Wait until the process ends; kill it if it takes too much time or space.

    Returns which of the two it exceeded, or None, and its processor seconds.
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
    """The bytes of a folder's files on disk; an empty file also takes a block."""
    used = 0
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            used += max(entry.stat(follow_symlinks=False).st_blocks * 512, 4096)
    return used


def _over_limit(code: int, used: float, limits: Limits) -> Status | None:
    """The limit that a process exceeded, if any.

    SIGXCPU, sent at the time limit, can be blocked, caught or ignored, so the used seconds are checked as well. If the
    kernel is short of memory, it sends SIGKILL.
    """
    if code == -signal.SIGXCPU or used >= limits.seconds:
        return "timeout"
    return "memory" if code == -signal.SIGKILL else None


def _outcome(reported: bytes, secret: bytes, stopped: Status | None, stderr: str) -> Outcome:
    """How a program ended, from its process's reports before and after it. Raises SandboxError."""
    ready, _, ending = reported.partition(b" ")
    if ready == b"refused":
        raise SandboxError(
            f"generated programs are not run here, as the sandbox is not tight: {ending.decode()}; "
            "it needs Linux 5.13 with Landlock and seccomp, on x86_64 or aarch64, and a container that allows them"
        )
    if stopped:  # possibly before it was ready, on a very busy machine
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
