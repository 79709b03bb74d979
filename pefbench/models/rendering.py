"""Renders chat templates in a separate process, which is ended if a template takes too much time or memory.

A template is a program written by whoever made the model. jinja's sandbox keeps it from files and Python's internals,
but not from looping forever, or from writing ten gigabytes of text.
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
"""The rendering process of each process id: a fork does not have one yet."""


def render(arguments: Mapping[str, object], seconds: float) -> list[str]:
    """A template's output for each conversation; arguments: those of transformers' renderer.

    seconds: processor time for all of them. Raises TimeoutError if it takes longer, and ValueError with the template's
    error.
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
    except BrokenPipeError:  # its death shows when its answer is read
        pass


def _ended() -> int:
    """End this process's renderer, if there is one, and return its exit status."""
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
