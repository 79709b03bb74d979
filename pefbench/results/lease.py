"""The lease that a process holds while it runs a trial; it expires if the holder gives no sign of life.

On a file system the lease is filelock's. Object stores have no locks, but a name can be created only once. So the
holder's file is numbered, and a process that finds it unchanged for `DURATION` seconds, by its own clock, creates the
file with the next number.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypedDict

from pefbench import atomic
from pefbench.errors import OutputError
from pefbench.progress import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fsspec import AbstractFileSystem

DURATION = 60.0
"""Seconds without a sign of life after which another process may take the lease."""
POLL = 2.0
"""Seconds between checks of a lease that another process holds."""


class Lease(Protocol):
    """A lease."""

    def acquire(self, timeout: float) -> bool:
        """Take the lease; False if another process holds it for `timeout` seconds. Raises OutputError."""

    def release(self) -> None:
        """Give the lease back."""


class FolderLease:
    """A lease beside a result, on a file system. The death of a holder on this machine is noticed at once."""

    def __init__(self, path: Path, duration: float = DURATION) -> None:
        from filelock import SoftFileLease

        self.path = path
        self.lock = SoftFileLease(path, lease_duration=duration, thread_local=False, on_compromise=lambda _: _lost())

    def acquire(self, timeout: float) -> bool:
        """Take the lease; False on timeout. Raises OutputError if the folder cannot be written to."""
        from filelock import Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.lock.acquire(timeout=timeout, poll_interval=min(POLL, max(timeout, 0.01)))
        except Timeout:
            return False
        except OSError as error:
            raise OutputError(f"cannot write to the folder {self.path.parent}: {atomic.reason(error)}") from error
        return True

    def release(self) -> None:
        """Give the lease back."""
        self.lock.release()


class StoreLease:
    """A lease in a store: the holder's file is the one with the highest number in the lease's folder."""

    def __init__(
        self,
        files: AbstractFileSystem,
        folder: str,
        reached: Callable[[], AbstractContextManager[None]],
        duration: float = DURATION,
    ) -> None:
        self.files, self.folder, self.reached, self.duration = files, folder, reached, duration
        self.number, self.beats = 0, 0
        self.seen: tuple[bytes, float] = (b"", 0.0)
        self.done = threading.Event()
        self.heart: threading.Thread | None = None

    def acquire(self, timeout: float) -> bool:
        """Take the lease; False on timeout. If the store fails, raises what `reached` raises."""
        until = time.monotonic() + timeout
        while not self._take():
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(POLL, self.duration / 10, left))
        return True

    def release(self) -> None:
        """Give the lease back."""
        self.done.set()
        if self.heart is not None:
            self.heart.join()
        with self.reached(), suppress(FileNotFoundError):
            self.files.rm_file(self._name(self.number))

    def _take(self) -> bool:
        with self.reached():
            return self._taken()

    def _taken(self) -> bool:
        last = self._last()
        if last and not self._expired(last):
            return False
        try:
            self._create(last + 1)
        except FileExistsError:
            return False
        if last:
            with suppress(FileNotFoundError):
                self.files.rm_file(self._name(last))
        self.number = last + 1
        self.done.clear()
        self.heart = threading.Thread(target=self._beat, daemon=True)
        self.heart.start()
        return True

    def _create(self, number: int) -> None:
        try:
            self.files.pipe_file(self._name(number), self._owner(), mode="create")
        except FileNotFoundError:  # the store is a file system, where folders must be created
            self.files.makedirs(self.folder, exist_ok=True)
            self.files.pipe_file(self._name(number), self._owner(), mode="create")

    def _beat(self) -> None:
        """Give signs of life until the lease is given back or another process has taken it."""
        while not self.done.wait(self.duration / 3):
            with suppress(OutputError), self.reached():  # the store may answer again before the lease expires
                if self._last() > self.number:
                    _lost()
                    return
                self.files.pipe_file(self._name(self.number), self._owner())

    def _expired(self, number: int) -> bool:
        try:
            content = self.files.cat_file(self._name(number))
        except FileNotFoundError:  # it was just given back
            return False
        if content != self.seen[0]:
            self.seen = content, time.monotonic()
        return time.monotonic() - self.seen[1] >= self.duration or _is_dead(content)

    def _last(self) -> int:
        """The highest number; 0 if nobody holds the lease."""
        try:
            found = self.files.ls(self.folder, detail=False)
        except FileNotFoundError:
            return 0
        return max((int(name.rpartition("/")[2]) for name in found), default=0)

    def _name(self, number: int) -> str:
        return f"{self.folder}/{number}"

    def _owner(self) -> bytes:
        self.beats += 1
        return json.dumps({**_this_process(), "beats": self.beats}).encode()


class Owner(TypedDict):
    """The process that holds a lease."""

    host: str
    pid: int
    started: float  # seconds since the epoch: a later process may get the same number


def _this_process() -> Owner:
    import psutil

    return {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def _is_dead(content: bytes) -> bool:
    """Whether the holder was a process on this machine that has ended. content: of its file."""
    import psutil

    try:
        owner: Owner = json.loads(content)
    except ValueError:  # on a file system the file may be read while it is being written
        return False
    if owner["host"] != socket.gethostname():
        return False
    try:
        return bool(psutil.Process(owner["pid"]).create_time() != owner["started"])
    except psutil.NoSuchProcess:
        return True


def _lost() -> None:
    say("warning: another process took over this trial, because this one gave no sign of life; both may run it")
