"""Stopping a trial by a signal: it finishes its current step, writes a checkpoint and ends.

Schedulers send SIGTERM when they take the machine away or a job's time is nearly over. SLURM can send another signal to
every process of the job, as with ``--signal=USR2@90``. A trial whose launcher was killed stops in the same way.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench import launched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

SIGNALS = (signal.SIGUSR2, signal.SIGTERM)
_told = threading.Event()


def told() -> bool:
    """Whether this process was told to stop, or has lost its launcher."""
    return _told.is_set() or launched.is_orphaned()


def listen() -> None:
    """Handle the signals from now on, even before training. For a process that runs one trial."""
    for each in SIGNALS:
        signal.signal(each, _note)


def listening() -> AbstractContextManager[None]:
    """Handle the signals inside the block; otherwise they end the process."""
    return _handling(SIGNALS, _note)


def ignoring() -> AbstractContextManager[None]:
    """Let a child process that is started inside ignore a signal that the whole job gets."""
    return _handling((signal.SIGUSR2,), signal.SIG_IGN)


@contextmanager
def _handling(signals: Sequence[signal.Signals], handler: Callable[..., None] | signal.Handlers) -> Iterator[None]:
    """Set a handler inside the block. Does nothing in other threads than the main one, which cannot set any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(each, handler) for each in signals]
    try:
        yield
    finally:
        for each, earlier in zip(signals, before, strict=True):
            signal.signal(each, earlier)


def _note(*_: object) -> None:
    _told.set()
