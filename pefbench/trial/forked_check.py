"""A waiting process that runs round-trip checks, so that a check need not import the libraries again.

A check proves that what was saved is sufficient: weights are read from the disk into a new model, with nothing left of
the trained one. The process is therefore forked after the libraries are imported and before anything else has happened:
no weights, tokenizer, data or random numbers exist yet, and nothing that training does later reaches it. The process
itself never computes. Each check is a fork of it that runs `pefbench verify` from the command line on, as in a new
interpreter.

This needs a sound fork: on Linux, without a GPU, in a single process with one thread. Otherwise, or if the waiting
process is gone, a check runs in its own interpreter (`round_trip`).
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

from pefbench import hardware
from pefbench.paths import child_environment
from pefbench.progress import flush

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_waiting: list[socket.socket] = []
"""Our end of the socket to the waiting process; empty if no process waits."""


def start() -> None:
    """Fork the waiting process if that is sound. A command calls this after its imports and before anything else."""
    if _waiting or sys.platform != "linux" or os.environ.get("WORLD_SIZE", "1") != "1" or hardware.kind() != "cpu":
        return
    gc.freeze()  # otherwise each collection would copy everything that was imported
    here, there = socket.socketpair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's warning about threads: see below
        child = os.fork()
    if child == 0:
        here.close()
        _wait(there)
    there.close()
    # After the fork numpy has ended its idle threads. Other threads may have held a lock that is now never released.
    if len([*Path("/proc/self/task").iterdir()]) == 1:
        _waiting.append(here)
    else:
        here.close()
        os.waitpid(child, 0)


def waits() -> bool:
    """Whether checks will be forks."""
    return bool(_waiting)


def run(*arguments: str) -> CompletedProcess[str] | None:
    """Run a pefbench command in a fork of the waiting process and return its output; None if no process waits."""
    if not _waiting:
        return None
    call = _waiting[0]
    with suppress(OSError, ValueError), call.makefile("r", encoding="utf8") as answers:
        call.sendall(f"{json.dumps(arguments)}\n".encode())
        return CompletedProcess(arguments, *json.loads(answers.readline()))
    _waiting.remove(call)  # the process was killed
    call.close()
    return None


def _wait(call: socket.socket) -> NoReturn:
    """Fork for each requested command, until the other process ends."""
    for number in (signal.SIGINT, signal.SIGUSR2):  # sent to the whole job: the other process decides
        signal.signal(number, signal.SIG_IGN)
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - its descriptor
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    for line in call.makefile("r", encoding="utf8"):
        with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                call.close()
                os.dup2(printed.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                _be(json.loads(line))
            _, status = os.waitpid(child, 0)
            shown = [Path(f"/proc/self/fd/{file.fileno()}").read_text(errors="replace") for file in (printed, errors)]
        try:
            call.sendall(f"{json.dumps([os.waitstatus_to_exitcode(status), *shown])}\n".encode())
        except OSError:
            break
    os._exit(0)


def _be(arguments: Sequence[str]) -> NoReturn:
    """Run a pefbench command like a new interpreter."""
    environment = child_environment()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["pefbench", *arguments]
    status: object = 1
    try:
        runpy.run_module("pefbench", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
    flush()
    os._exit(status if isinstance(status, int) else 1)
