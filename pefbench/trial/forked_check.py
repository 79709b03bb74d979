"""A process that waits to check round trips, so that a check need not import the libraries again.

What a check proves is that what was saved is enough: weights read anew from the disk into a new model, beside nothing
of the trained one. So the process is forked when the libraries are imported and nothing else has happened: there are no
weights, no tokenizer, no data and no random numbers yet, and nothing that training does later reaches it. It never
computes; each check is a fork of it, in which `pefbench verify` runs from its command line on, as in a new interpreter.

Only where a fork is sound: on Linux, without a GPU, in a process of its own and with one thread. Elsewhere, and where
the process has gone, a check is an interpreter of its own (`round_trip`).
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
"""The end at which the waiting process is asked; empty where there is none."""


def start() -> None:
    """Fork the process that waits, where that is sound. For a command, after its imports and before all else."""
    if _waiting or sys.platform != "linux" or os.environ.get("WORLD_SIZE", "1") != "1" or hardware.kind() != "cpu":
        return
    gc.freeze()  # else each collection would copy all that was imported
    here, there = socket.socketpair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's, of threads: see below
        child = os.fork()
    if child == 0:
        here.close()
        _wait(there)
    there.close()
    # After the fork: numpy's threads, which are at rest, end for it. Others may have held a lock that nobody frees now.
    if len([*Path("/proc/self/task").iterdir()]) == 1:
        _waiting.append(here)
    else:
        here.close()
        os.waitpid(child, 0)


def waits() -> bool:
    """Whether checks will be forks."""
    return bool(_waiting)


def run(*arguments: str) -> CompletedProcess[str] | None:
    """Run a pefbench command in a fork of the waiting process, and take what it prints; None where there is none."""
    if not _waiting:
        return None
    call = _waiting[0]
    with suppress(OSError, ValueError), call.makefile("r", encoding="utf8") as answers:
        call.sendall(f"{json.dumps(arguments)}\n".encode())
        return CompletedProcess(arguments, *json.loads(answers.readline()))
    _waiting.remove(call)  # it was killed
    call.close()
    return None


def _wait(call: socket.socket) -> NoReturn:
    """Fork for each command that is asked for, until the other process has ended."""
    for number in (signal.SIGINT, signal.SIGUSR2):  # which the whole job gets: the other process decides
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
    """Be a new interpreter that runs a pefbench command."""
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
