"""A trial that is told to stop: it writes a checkpoint after the step that it is in, and ends.

So a scheduler says that it takes the machine away, or that a job's time is nearly over: by SIGTERM, or by what
``--signal=USR2@90`` asks of SLURM, which sends it to every process of the job.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGUSR2, signal.SIGTERM)
_told = threading.Event()


def told() -> bool:
    """Whether this process was told to stop."""
    return _told.is_set()


def listen() -> None:
    """Note the signals from now on, also while there is nothing to stop yet. For a process that runs one trial."""
    for each in SIGNALS:
        signal.signal(each, _note)


@contextmanager
def listening() -> Iterator[None]:
    """Note the signals; otherwise they end the process. Only the first thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(each, _note) for each in SIGNALS]
    try:
        yield
    finally:
        for each, handler in zip(SIGNALS, before, strict=True):
            signal.signal(each, handler)


@contextmanager
def ignoring() -> Iterator[None]:
    """Let a child process that is about to be started pass over a signal that the whole job gets."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR2, before)


def _note(*_: object) -> None:
    _told.set()
