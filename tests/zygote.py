"""Runs `python -m MODULE` as a fork of a process that has imported everything, which saves seconds per call.

A client (`CLIENT`, a script that replaces the interpreter) sends its arguments, environment, folder and standard
streams to a server. The server forks, the fork runs the module as a new interpreter would, and the client exits with
its status. Killing the client kills the fork, and SIGTERM is passed on, because launchers end their workers this way.
The server starts at the first call and ends a minute after the last. Tests of how pefbench starts, or of what it
imports, use a real interpreter: `sys.executable`.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NoReturn

IDLE = 60.0
"""Seconds without a call after which the server ends."""
NAME = "interpreter"
TERMINATE = b"T"
"""The message that a client sends when it gets SIGTERM."""

CLIENT = """\
#!{python} -IS
import fcntl, json, os, signal, socket, subprocess, sys, time

PYTHON, FOLDER, ROOT = {python!r}, {folder!r}, {root!r}


def connected():
    call = socket.socket(socket.AF_UNIX)
    try:
        call.connect(FOLDER + "/socket")
    except OSError:
        call.close()
        return None
    return call


def started():
    with open(FOLDER + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if call := connected():
            return call
        environment = os.environ | {{"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}}
        with open(FOLDER + "/log", "a") as log:
            server = subprocess.Popen(
                [PYTHON, "-m", "tests.zygote", FOLDER], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )
        while server.poll() is None:
            if call := connected():
                return call
            time.sleep(0.05)


arguments = sys.argv[1:]
call = arguments[:1] == ["-m"] and (connected() or started())
if not call:
    os.execv(PYTHON, [PYTHON, *arguments])
request = json.dumps([arguments[1:], os.getcwd(), dict(os.environ), os.getpid()]).encode() + b"\\n"
socket.send_fds(call, [request[:1]], [0, 1, 2])
call.sendall(request[1:])
signal.signal(signal.SIGTERM, lambda *_: call.send({terminate!r}))
status = int(call.makefile().readline() or 1)
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), -status)
os._exit(status)
"""


def write_client(folder: Path) -> str:
    """Write the client script, whose server puts its socket into the same folder; return the script's path."""
    if sys.platform != "linux":
        return sys.executable
    from pefbench.paths import PROJECT

    client = folder / NAME
    new = folder / f"{NAME}-{os.getpid()}"
    new.write_text(
        CLIENT.format(python=sys.executable, folder=str(folder), root=str(PROJECT), terminate=TERMINATE),
        encoding="utf8",
    )
    new.chmod(0o755)
    new.replace(client)
    return str(client)


def real_pid(client: int) -> int:
    """Return the id of the process that runs a client's command."""
    from pefbench import paths

    if sys.executable == paths.INTERPRETER:
        return client
    return int(Path(paths.INTERPRETER).with_name(f"pid-{client}").read_text(encoding="ascii"))


def main(folder: Path) -> None:
    """Import everything, then fork for each call."""
    _import_all()
    gc.collect()
    gc.freeze()  # forks neither scan imported objects nor copy their pages
    from pefbench import paths

    paths.INTERPRETER = str(folder / NAME)
    (folder / "socket").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        listening.listen(64)
        last = time.monotonic()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while time.monotonic() - last < IDLE and folder.exists():
            if select.select([listening], [], [], 1.0)[0]:
                call, _ = listening.accept()
                last = time.monotonic()
                if os.fork() == 0:
                    listening.close()
                    _supervise(call, folder)
                call.close()
        (folder / "socket").unlink(missing_ok=True)


def _import_all() -> None:
    import importlib
    import warnings

    import pefbench

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(pefbench.__path__, "pefbench."):
            if not module.name.endswith("__main__"):
                with suppress(ImportError):
                    importlib.import_module(module.name)
        for name in (
            *("transformers.models.bert", "transformers.models.auto", "peft", "accelerate", "evaluate"),
            *("torch.distributed.run", "torch.distributed.elastic.multiprocessing.api", "torch.distributed.fsdp"),
        ):
            importlib.import_module(name)


def _supervise(call: socket.socket, folder: Path) -> NoReturn:
    """Run one command in a fork, and send its exit status to the client; kill it if the client dies."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    first, streams, *_ = socket.recv_fds(call, 1, 3)
    received = call.makefile("rb")
    arguments, where, environment, client = json.loads(first + received.readline())
    child = os.fork()
    if child == 0:
        call.close()
        _run(arguments, where, environment, streams)
    for stream in streams:
        os.close(stream)
    note = folder / f"pid-{client}"
    note.write_text(str(child), encoding="ascii")
    ended = os.pidfd_open(child)
    watched: list[Any] = [call, ended]
    while ended not in select.select(watched, [], [])[0]:
        told = call.recv(1) == TERMINATE
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM) if told else os.killpg(child, signal.SIGKILL)  # the client was killed
        if not told:
            break
    _, status = os.waitpid(child, 0)
    note.unlink(missing_ok=True)
    with suppress(OSError):
        call.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(arguments: list[str], where: str, environment: dict[str, str], streams: list[int]) -> NoReturn:
    """Run the module like a new interpreter."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in {*streams} - {0, 1, 2}:
        os.close(stream)
    os.chdir(where)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), open(1, "w", closefd=False), _errors()  # noqa: SIM115
    sys.path.insert(0, where)
    sys.argv = list(arguments)
    status: Any = 0
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        status = 1
    if isinstance(status, str):
        print(status, file=sys.stderr)  # noqa: T201
        status = 1
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status or 0)


def _errors() -> Any:
    return open(2, "w", buffering=1, closefd=False, errors="backslashreplace")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
