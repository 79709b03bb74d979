"""The processes of a trial, and the error raised if one of them dies (killed, out of memory, its machine gone)."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch.distributed
from accelerate.utils import gather_object

from pefbench.errors import TrialError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


LOST = "closed by peer", "reset by peer", "Broken pipe", "Socket closed", "remote process exited"
"""What gloo and NCCL report on the remaining processes."""
SECONDS = 2.0
"""The time that a process may take to end after it has closed its connections."""


class Ranks:
    """The process ids of all ranks. Create it on all processes at once."""

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.host = socket.gethostname()
        self.places: list[tuple[str, int]] = gather_object([(self.host, os.getpid())])

    @contextmanager
    def named(self) -> Iterator[None]:
        """Turn errors caused by another process's death into a TrialError that says which process died.

        If a launcher notices a death first, it ends the others by SIGTERM, which is reported alike.
        """
        if len(self.places) == 1 or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._told_to_end)
        try:
            yield
        except RuntimeError as error:
            if not _is_loss(error):
                raise
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher's, while the result is written
            raise TrialError(self._sentence(self._dead(SECONDS))) from error
        except TrialError:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            raise
        else:
            signal.signal(signal.SIGTERM, before)

    def _told_to_end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal calls it
        dead = self._dead(0.0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN if dead else signal.SIG_DFL)
        if dead:
            raise TrialError(self._sentence(dead))
        os.kill(os.getpid(), signal.SIGTERM)

    def _dead(self, seconds: float) -> list[int]:
        """The ranks on this machine that have ended; waits up to `seconds` for the first one."""
        deadline = time.monotonic() + seconds
        while True:
            dead = [rank for rank, (host, pid) in enumerate(self.places) if host == self.host and not _runs(pid)]
            if dead or time.monotonic() >= deadline:
                return dead
            time.sleep(0.02)

    def _sentence(self, dead: list[int]) -> str:
        who = f"process {', '.join(map(str, dead))}" if dead else "a process that cannot be seen from this machine"
        begun = self.checkpoint.exists()
        goes_on = "resumes from the last checkpoint" if begun else "starts again: there is no checkpoint yet"
        return f"{who} of {len(self.places)} died (killed, or out of memory?); the same command {goes_on}"


def _is_loss(error: RuntimeError) -> bool:
    return isinstance(error, torch.distributed.DistError) or any(message in str(error) for message in LOST)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf8").rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:  # no /proc, or another user's
        return True
    return state not in ("Z", "X")
