"""Rendering of chat templates in a process of its own, which is ended where one takes too long or too much memory.

A template is a program of whoever made the model. jinja's sandbox keeps it from files and from Python's internals, not
from looping, or from writing a text of ten gigabytes.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from threading import Lock
from typing import TYPE_CHECKING

from pefbench.paths import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

CHILD = PACKAGE / "models" / "rendering_child.py"

_LOCK = Lock()
_processes: dict[int, subprocess.Popen[str]] = {}
"""This process' own, by the number of this process: a fork has none yet."""


def render(arguments: Mapping[str, object], seconds: float) -> list[str]:
    """What a template writes for each conversation, given the arguments of transformers' renderer.

    seconds: of the processor, for all of them. Raises TimeoutError when it takes longer, and ValueError with what the
    template raised.
    """
    with _LOCK:
        process = _started()
        _write(process, json.dumps({"arguments": arguments, "seconds": seconds}))
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise _died(_ended(), seconds)
    answer = json.loads(line)
    if "error" in answer:
        raise ValueError(answer["error"])
    texts: list[str] = answer["texts"]
    return texts


def _started() -> subprocess.Popen[str]:
    if (found := _processes.get(os.getpid())) is not None:
        return found
    process = subprocess.Popen(
        [sys.executable, "-P", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="ascii",
    )
    _processes[os.getpid()] = process
    return process


def _write(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is None:
        raise AssertionError("it has pipes")
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    except BrokenPipeError:  # that it died is seen when its answer is read
        pass


def _ended() -> int:
    """End this process' own, if there is one, and return its status."""
    process = _processes.pop(os.getpid(), None)
    if process is None:
        return 0
    process.communicate()
    return process.returncode


def _died(status: int, seconds: float) -> Exception:
    if status == -signal.SIGPROF:
        return TimeoutError(f"it did not finish within {seconds:g} s")
    return ValueError(f"its process ended with {status}")


atexit.register(_ended)
