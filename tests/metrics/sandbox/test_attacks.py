"""Attacks on the sandbox: each is carried out, must be stopped, and must leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pefbench.metrics.sandbox.running import Limits, run

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 2**20


def processes(parent: int) -> list[int]:
    """Return the processes that this process, or what it started, runs programs in."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # not a process, or one that has just ended
            continue
        if any(argument.endswith(b"sandbox/child.py") for argument in arguments) and str(parent).encode() in arguments:
            found.append(int(folder.name))
    return found


def tried(attack: str, refusal: str = "PermissionError") -> str:
    """Return a program that passes when the attack is refused as it should be."""
    body = "\n".join(f"    {line}" for line in attack.splitlines())
    return (
        f"import os, sys\ntry:\n{body}\nexcept {refusal}:\n    pass\nelse:\n    raise AssertionError('not refused')\n"
    )


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the scratch folders lie in a folder of the test's own, and nothing be left in it, nor a process."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert processes(os.getpid()) == []


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a file that belongs to the user and is none of the program's business."""
    file = tmp_path / "victim"
    file.write_text("precious")
    return file


REFUSED = {
    "fork": "os.fork()",
    "vfork and exec": "import subprocess; subprocess.run(['/bin/true'])",
    "shell": "import subprocess; subprocess.check_output('echo hello', shell=True)",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "exec": "os.execv('/bin/sh', ['sh', '-c', 'exit 0'])",
    "exec of itself": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "fork bomb": "while True: os.fork()",
    "daemon": "os.fork() or (os.setsid(), os.fork() or __import__('time').sleep(60))",
    "own session": "os.setsid()",
    "home folder": "os.listdir(HOME)",
    "passwords": "open('/etc/passwd').read()",
    "root folder": "os.listdir('/')",
    "folder above": "os.listdir('..')",
    "reading a file": "open(VICTIM).read()",
    "writing outside": "open(VICTIM + '2', 'w')",
    "writing into a file": "open(VICTIM, 'a')",
    "truncating": "os.truncate(VICTIM, 0)",
    "truncating by opening": "os.open(VICTIM, os.O_RDONLY | os.O_TRUNC)",
    "removing": "os.unlink(VICTIM)",
    "renaming": "os.rename(VICTIM, 'here')",
    "moving out": "open('here', 'w').close(); os.rename('here', VICTIM + '2')",
    "mode": "os.chmod(VICTIM, 0o777)",
    "owner": "os.chown(VICTIM, 1, 1)",
    "times": "os.utime(VICTIM, (0, 0))",
    "attributes": "os.setxattr(VICTIM, 'user.x', b'1')",
    "link out": "os.symlink(VICTIM, 'link')",
    "hard link in": "os.link(VICTIM, 'link')",
    "folder in the folder": "os.mkdir('deeper')",
    "pipe in the folder": "os.mkfifo('pipe')",
    "device": "os.mknod('device', 0o60600, 0)",
    "shared memory": "open('/dev/shm/pefbench-attack', 'w')",
    "temporary folder": "open('/tmp/pefbench-attack', 'w')",
    "own environment": "open('/proc/self/environ', 'rb').read()",
    "own memory": "open('/proc/self/mem', 'r+b')",
    "environment of the parent": "open(f'/proc/{PARENT}/environ', 'rb').read()",
    "memory of the parent": "open(f'/proc/{PARENT}/mem', 'r+b')",
    "commands of all": "[open(f'/proc/{p}/cmdline').read() for p in (1, PARENT)]",
    "killing the parent": "os.kill(PARENT, 9)",
    "killing everybody": "os.kill(-1, 9)",
    "killing the group": "os.killpg(0, 9)",
    "priority of the parent": "os.setpriority(os.PRIO_PROCESS, PARENT, 19)",
    "limits of the parent": "import resource; resource.prlimit(PARENT, resource.RLIMIT_CPU, (1, 1))",
    "more time": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (600, 600))",
    "socket": "import socket; socket.socket()",
    "local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "pair of sockets": "import socket; socket.socketpair()",
    "connection": "import socket; socket.create_connection(('127.0.0.1', PORT), 1)",
    "download": "import urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{PORT}', timeout=1)",
    "becoming another user": "os.setuid(1)",
    "new root": "os.chroot('.')",
}
OTHERWISE = {REFUSED["more time"]: "ValueError", REFUSED["moving out"]: "OSError", REFUSED["download"]: "OSError"}
"""Attacks that are refused by another exception."""


@pytest.mark.parametrize("attack", REFUSED.values(), ids=REFUSED.keys())
def test_an_attack_is_refused(attack: str, victim: Path) -> None:
    before = victim.stat()
    with socket.create_server(("127.0.0.1", 0)) as server:
        names = {
            "HOME": str(Path.home()),
            "VICTIM": str(victim),
            "PARENT": os.getpid(),
            "PORT": server.getsockname()[1],
        }
        told = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        outcome = run(told + tried(attack, OTHERWISE.get(attack, "PermissionError")))
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert outcome.passed, outcome
    after = victim.stat()
    assert (after.st_mode, after.st_uid, after.st_mtime_ns) == (before.st_mode, before.st_uid, before.st_mtime_ns)
    assert victim.read_text() == "precious"
    assert list(victim.parent.iterdir()) == [victim]


SYSTEM_CALLS = {
    "ptrace": (101, "16, PARENT, 0, 0"),
    "process_vm_readv": (310, "PARENT, 0, 0, 0, 0, 0"),
    "io_uring_setup": (425, "8, 0"),
    "unshare": (272, "0x10000000"),
    "clone3": (435, "0, 0"),
    "pidfd_open": (434, "PARENT, 0"),
    "memfd_create": (319, "b'x', 0"),
    "bpf": (321, "0, 0, 0"),
    "keyctl": (250, "0, 0, 0"),
    "an x32 call": (0x40000000 + 41, "2, 1, 0"),
    "one of the future": (100_000, "0"),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize(("number", "arguments"), SYSTEM_CALLS.values(), ids=SYSTEM_CALLS.keys())
def test_a_system_call_by_its_number_is_refused(number: int, arguments: str) -> None:
    outcome = run(
        f"import ctypes\nPARENT = {os.getpid()}\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"assert libc.syscall(ctypes.c_long({number}), {arguments}) == -1\n"
        "assert ctypes.get_errno() == 1, ctypes.get_errno()"
    )
    assert outcome.passed, outcome


def test_a_signal_by_way_of_a_file_is_refused() -> None:
    attack = "import fcntl; read, _ = os.pipe(); fcntl.fcntl(read, fcntl.F_SETOWN, PARENT)"
    assert run(f"PARENT = {os.getpid()}\n" + tried(attack)).passed


def test_threads_are_refused() -> None:
    bomb = "import threading\nwhile True: threading.Thread(target=input).start()"
    assert run(tried(bomb, "RuntimeError")).passed


@pytest.mark.sample(3)  # each takes as long as the shortest limit, one second of a core
@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGXCPU])\nwhile True: pass",
        "import signal\nsignal.signal(signal.SIGXCPU, lambda *_: None)\nwhile True: pass",
        "import signal, time\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile time.process_time() < 1.5: pass",
        "10 ** 10 ** 9",
    ],
)
def test_an_endless_loop_ends(program: str) -> None:
    began = time.monotonic()
    outcome = run(program, Limits(seconds=1, wall_seconds=60))
    assert outcome.status == "timeout"
    assert time.monotonic() - began < 70


CHEATS = {
    "equal to everything": "class Any:\n    __eq__ = lambda *_: True\ndef f(): return Any()",
    "other builtins": "import builtins\nbuiltins.abs = lambda _: 0\ndef f(): return 7",
    "another module": "import math\nmath.isclose = lambda *_: True\ndef f(): return 7",
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_what_tests_in_the_answers_interpreter_cannot_stop(cheat: str) -> None:
    # named in docs/how-to/sandbox.md; one that is stopped some day leaves it
    test = {
        "equal to everything": "assert f() == 1",
        "other builtins": "assert abs(f() - 1) < 0.1",
        "another module": "import math\nassert math.isclose(f(), 1)",
    }[cheat]
    assert run(f"def f(): return 7\n{test}").status == "failed"
    assert run(f"{CHEATS[cheat]}\n{test}").passed


def test_sleeping_ends() -> None:
    began = time.monotonic()
    assert run("import time; time.sleep(600)", Limits(wall_seconds=0.5)).status == "timeout"
    assert time.monotonic() - began < 60


def test_stopping_itself_ends() -> None:
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", Limits(wall_seconds=0.5)).status == "timeout"


@pytest.mark.parametrize("program", ["bytearray(10 * 2**30)", "x = []\nwhile True: x.append(bytes(2**20))"])
def test_memory_ends(program: str) -> None:
    assert run(program).status == "memory"


def test_a_file_ends() -> None:
    attack = "with open('large', 'wb') as file:\n    while True: file.write(bytes(2**16))"
    assert run(tried(attack, "OSError"), Limits(file_size=MEBIBYTE)).passed


def test_filling_the_disk_ends() -> None:
    program = "for i in range(10**9):\n    with open(str(i), 'wb') as file: file.write(bytes(2**20))"
    assert run(program, Limits(folder_size=4 * MEBIBYTE)).status == "space"


def test_empty_files_end() -> None:
    program = "for i in range(10**9): open(str(i), 'wb').close()"
    assert run(program, Limits(folder_size=4 * MEBIBYTE, seconds=30)).status == "space"


def test_open_files_end() -> None:
    assert run(tried("held = [open('x', 'w') for _ in range(100)]", "OSError"), Limits(open_files=32)).passed


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_is_bounded(stream: str) -> None:
    outcome = run(f"import sys\nfor _ in range(10**5): sys.{stream}.write('spam' * 1000)\nsys.{stream}.flush()")
    assert len(outcome.stderr) <= 2000
    assert outcome.passed == (stream == "stdout")


def test_reports_are_bounded() -> None:
    program = "import os\nfor fd in range(3, 32):\n    try:\n        while True: os.write(fd, b'passed' * 10000)\n"
    assert run(program + "    except OSError: pass", Limits(wall_seconds=1)).status == "timeout"


def test_the_environment_and_the_input_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECIOUS", "secret")
    outcome = run(
        "import os, sys\nassert not {'PRECIOUS', 'HOME', 'PATH'} & set(os.environ)\nassert not sys.stdin.read()"
    )
    assert outcome.passed, outcome


def test_a_program_dies_with_who_ran_it(temporary: Path) -> None:
    program = (
        "from pefbench.metrics.sandbox.running import *; run('while True: pass', Limits(seconds=60, wall_seconds=60))"
    )
    with subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(temporary)}) as parent:
        until(lambda: bool(processes(parent.pid)))
        parent.send_signal(signal.SIGKILL)
    until(lambda: not processes(parent.pid))
    for left in temporary.iterdir():
        left.rmdir()  # the one thing that a killed parent cannot clear away, and it is empty


def until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SAYING = "import os\nfor fd in range(3, 32):\n    try: os.write(fd, b{0!r})\n    except OSError: pass\nassert False"
PRETENDING = {
    "leaving": "import os; os._exit(0)",
    "exit": "exit(0)",
    "system exit": "raise SystemExit(0)",
    "a replaced exit": "import sys; sys.exit = lambda *_: None; sys.exit(1); assert False",
    "a replaced writing": "import os; os.write = lambda *_: 0; os._exit = lambda *_: None; assert False",
    "replaced exceptions": "import builtins; builtins.BaseException = builtins.MemoryError = KeyError; assert False",
    "a replaced hook": "import sys; sys.excepthook = lambda *_: None; assert False",
    "printing": "print('passed'); assert False",
    "the descriptor": SAYING.format("passed"),
    "closing": "import os; os.closerange(0, 64)",
    "a thrown killing": "import os; os.kill(os.getpid(), 15)",
    "no program": "this is not Python",
    "a null byte": "x = 1\0",
    "half a character": "x = '\ud800'",
    "a fall": "import ctypes; ctypes.string_at(0)",
    "a deep fall": "import sys; sys.setrecursionlimit(10**9)\nf = lambda: f()\nf()",
    "said refused": SAYING.format("refused"),
}


@pytest.mark.parametrize("program", PRETENDING.values(), ids=PRETENDING.keys())
def test_a_program_that_does_not_run_to_its_end_has_not_passed(program: str) -> None:
    assert not run(program, Limits(seconds=1)).passed
