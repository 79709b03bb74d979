"""The sandbox: what an honest program can do, how endings are distinguished, and when nothing is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pefbench.errors import SandboxError
from pefbench.metrics.sandbox import running, seccomp
from pefbench.metrics.sandbox.running import Limits, Outcome, require_sandbox, run, run_all


def test_an_honest_program_passes() -> None:
    program = """
import collections.abc, dataclasses, datetime, decimal, functools, hashlib, heapq, itertools, json, math, random, re
import statistics, string, sqlite3, tempfile, typing, zlib, zoneinfo

@dataclasses.dataclass
class Point:
    x: int

with open("a", "w") as file:
    file.write("x")
with open("a") as file:
    assert file.read() == "x"
import os
assert os.listdir() == ["a"]
os.remove("a")
assert __name__ != "__main__"
assert Point(1) == Point(1) and Point.__module__ == __name__
assert zoneinfo.ZoneInfo("Europe/Berlin") if os.path.exists("/usr/share/zoneinfo/Europe/Berlin") else True
print("spoken to nobody")
with open(os.devnull, "w") as nobody:
    print("as well", file=nobody)
with tempfile.TemporaryFile() as file:
    file.write(b"x")
"""
    assert run(program) == Outcome("passed", "")


def test_the_end_of_what_is_said_is_kept() -> None:
    outcome = run("import sys\nsys.stderr.write('x' * 5000)\nassert 1 == 2, 'größer'")
    assert outcome.status == "failed"
    assert outcome.stderr.endswith("AssertionError: größer\n")
    assert len(outcome.stderr.encode()) <= 2000


def test_many_are_run_in_order() -> None:
    programs = ["x = 1", "assert False", "x = 2"]
    assert [outcome.passed for outcome in run_all(programs, workers=2)] == [True, False, True]


def test_texts_have_the_same_order_in_sets_each_time() -> None:
    program = "import sys; sys.stderr.write(str(set('some letters in an order')))"
    assert len({outcome.stderr for outcome in run_all([program] * 3)}) == 1


def test_an_environment_with_its_packages_is_not_there() -> None:
    assert run("try:\n    import pytest\nexcept ImportError: pass\nelse: assert False").passed


def test_limits_are_kept_by_the_memory_and_not_by_the_machine() -> None:
    assert run("x = bytearray(64 * 2**20)", Limits(memory=256 * 2**20)).passed
    assert run("x = bytearray(64 * 2**20)", Limits(memory=64 * 2**20)).status == "memory"


def test_elsewhere_than_on_linux_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for attempt in (require_sandbox, lambda: run_all(["x = 1"])):
        with pytest.raises(SandboxError, match=r"run on Linux only, not on darwin; use a Linux container"):
            attempt()


def test_where_a_fence_does_not_hold_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/usr/lib"))  # which programs may read, as Python does
    with pytest.raises(SandboxError, match=r"not tight: the home folder can be read; it needs Linux 5\.13"):
        run(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert not (tmp_path / "ran").exists()


def test_a_limit_that_is_lower_already_is_said() -> None:
    program = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
if os.getuid() == 0:
    from pefbench.metrics.sandbox import child
    child.ctypes.CDLL(None).capset((child.ctypes.c_uint32 * 2)(child.CAPABILITIES, 0), (child.ctypes.c_uint32 * 6)())
from pefbench.errors import SandboxError
from pefbench.metrics.sandbox.running import run
try:
    run("x = 1")
except SandboxError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "the sandbox is not tight: not allowed to raise maximum limit;" in done.stdout


def test_a_kernel_without_descriptors_of_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("os.pidfd_open", missing)
    with pytest.raises(SandboxError, match="cannot be watched here: Function not implemented"):
        run("x = 1")


def test_a_program_that_has_no_time_to_start_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "POLL_MILLISECONDS", 0)
    assert run("x = 1", Limits(wall_seconds=0)).status == "timeout"


def test_a_sandbox_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "CHILD", tmp_path / "missing.py")
    with pytest.raises(SandboxError, match=r"the sandbox did not start: .*No such file"):
        run("x = 1")


def test_a_sandbox_that_is_too_small_for_anything_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "run", lambda _: Outcome("memory", "too small"))
    with pytest.raises(SandboxError, match="an empty program fails in the sandbox: 'too small'"):
        require_sandbox()


def test_the_first_landlock_is_enough(tmp_path: Path) -> None:
    """It does not know of truncating by opening for reading, which seccomp refuses."""
    victim, scratch = tmp_path / "victim", tmp_path / "scratch"
    victim.write_text("precious")
    scratch.mkdir()
    program = f"""
import os
from pefbench.metrics.sandbox import landlock, seccomp
landlock.libc.prctl(38, 1, 0, 0, 0)
landlock.confine(["/usr/lib"], [{str(scratch)!r}], 1)
seccomp.confine()
open({str(scratch / "own")!r}, "w").close()
for flags in (os.O_RDONLY | os.O_TRUNC, os.O_TRUNC | 3, os.O_WRONLY, os.O_RDONLY):
    try:
        os.open({str(victim)!r}, flags)
    except PermissionError:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 4
    assert victim.read_text() == "precious"


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(OSError, match="are known for x86_64 and aarch64, not riscv64"):
        seccomp.program("riscv64", 1)


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_a_filter_refuses_what_is_not_on_the_list(machine: str) -> None:
    column, architecture = seccomp.ARCHITECTURES[machine]
    code = seccomp.program(machine, 77)
    assert decide(code, architecture, seccomp.ALLOWED["read"][column]) == seccomp.ALLOW
    assert decide(code, architecture, 9999) == seccomp.REFUSE
    assert decide(code, architecture + 1, seccomp.ALLOWED["read"][column]) == seccomp.KILL_PROCESS
    assert decide(code, architecture, seccomp.KILL[column], 77) == seccomp.ALLOW
    assert decide(code, architecture, seccomp.KILL[column], 78) == seccomp.REFUSE
    assert decide(code, architecture, seccomp.OPENAT[column], 0, 0, 0o1001) == seccomp.ALLOW
    assert decide(code, architecture, seccomp.OPENAT[column], 0, 0, 0o1000) == seccomp.REFUSE


def decide(code: list[seccomp.Instruction], architecture: int, number: int | None, *arguments: int) -> int:
    """Run a filter as the kernel would."""
    assert number is not None
    words = {0: number, 4: architecture} | {16 + 8 * i: value for i, value in enumerate(arguments)}
    at, value = 0, 0
    while True:
        operation, yes, no, operand = code[at]
        at += 1
        if operation == seccomp.LOAD:
            value = words[operand]
        elif operation == seccomp.AND:
            value &= operand
        elif operation == seccomp.RETURN:
            return operand
        else:
            at += yes if value == operand else no


HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not Path(HEADERS[machine]).exists():
        pytest.skip("the kernel's headers are not installed")
    lines = Path(HEADERS[machine]).read_text()
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", lines)}
    column = seccomp.ARCHITECTURES[machine][0]
    if machine == "aarch64":
        numbers["newfstatat"] = numbers["fstatat"]
    conditional = {name.lower(): getattr(seccomp, name) for name in ("OPEN", "OPENAT", "FCNTL", "IOCTL", "PRCTL")}
    conditional |= {name.lower(): getattr(seccomp, name) for name in ("KILL", "TGKILL", "PRLIMIT64")}
    for name, given in (seccomp.ALLOWED | conditional).items():
        assert given[column] == numbers.get(name), name
