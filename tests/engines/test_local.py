"""Worker processes: messages about deaths, division of cores, and starting on several GPUs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from pefbench.engines.engine import Resources
from pefbench.engines.local import Pool, shares
from pefbench.engines.process import Launched, Process, ended, launch_command
from pefbench.errors import TrialError
from pefbench.paths import child_command, child_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ECHO = "import sys\nfor line in sys.stdin: print(line.strip(), flush=True)"
DYING = """
import os, sys
sys.stdin.readline()
print("error: no room", file=sys.stderr, flush=True)
os.kill(os.getpid(), 9)
"""


def process(log: Path, code: str) -> Process:
    found = Process(log)
    found.command = [sys.executable, "-c", code]
    return found


@pytest.mark.parametrize(
    ("status", "said", "line"),
    [
        (-signal.SIGKILL, [], "its process was ended by SIGKILL; the system does so when memory runs out"),
        (-signal.SIGSEGV, ["error: x"], "its process was ended by SIGSEGV"),
        (1, ["error: the disk is full", "more"], "the disk is full"),
        (3, ["something"], "its process ended with status 3"),
    ],
)
def test_a_death_is_told_in_one_line(status: int, said: list[str], line: str) -> None:
    assert ended(status, said) == line


def test_cores_are_shared_out_and_nobody_goes_without() -> None:
    assert shares([0, 1, 2, 3, 4], 2) == [[0, 2, 4], [1, 3]]
    assert shares([4, 7], 3) == [[4], [7], [4]]
    assert shares(range(8), 4) == [[0, 4], [1, 5], [2, 6], [3, 7]]


def test_a_process_that_died_is_started_again(tmp_path: Path) -> None:
    worker = process(tmp_path / "log", DYING)
    for _ in range(2):
        with pytest.raises(TrialError, match="SIGKILL"):
            worker.ask({"do": "run"})
    worker.command = [sys.executable, "-c", ECHO]
    assert worker.ask({"do": "run"}) == {"do": "run"}
    worker.stop()
    with pytest.raises(TrialError, match="stopped"):
        worker.ask({"do": "run"})
    assert (tmp_path / "log").read_text(encoding="utf8") == "error: no room\n" * 2


def test_a_death_takes_one_trial_down_and_no_other(tmp_path: Path) -> None:
    dies_of_two = (
        "import os, sys\nfor line in sys.stdin:\n  '2' in line and os.kill(os.getpid(), 9)\n  print('{}', flush=True)"
    )
    told: dict[int, list[str | None]] = {}
    with Pool(tmp_path, Resources(workers=2)) as pool:
        for member in pool.members:
            member.command = [sys.executable, "-c", dies_of_two]
        pool.run(
            [{"number": n} for n in range(5)], lambda n, event, error: told.setdefault(n, []).append(error or event)
        )
    assert {number for number, events in told.items() if events == ["began", "ended"]} == {0, 1, 3, 4}
    assert told[2][0] == "began"
    assert "SIGKILL" in str(told[2][1])


def test_a_trial_that_another_process_runs_is_waited_for_when_all_others_are_done(tmp_path: Path) -> None:
    held_once = (
        "import json, sys\nfor line in sys.stdin:\n  asked = json.loads(line)\n"
        "  held = asked['number'] == 0 and asked['patience'] == 0\n"
        "  print(json.dumps({'held': 'x'} if held else {'path': 'x'}), flush=True)"
    )
    told: list[tuple[int, str]] = []
    with Pool(tmp_path, Resources(workers=1)) as pool:
        pool.members[0].command = [sys.executable, "-c", held_once]
        pool.run([{"number": n} for n in range(3)], lambda n, event, _: told.append((n, event)))
    assert [number for number, event in told if event == "ended"] == [1, 2, 0]
    assert [event for number, event in told if number == 0] == ["began", "held", "began", "ended"]


def test_a_worker_ends_when_the_comparison_does() -> None:
    worker = subprocess.Popen(
        child_command("worker"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )
    worker.communicate(timeout=120)
    assert worker.returncode == 0


def test_a_launcher_starts_one_process_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = launch_command(4, tmp_path)
    assert command[command.index("--num_processes") + 1] == "4"
    assert "--multi_gpu" in command
    assert "--multi_gpu" not in launch_command(1, tmp_path)

    see = (
        "import json, os, sys; json.load(open(sys.argv[1])); print('{}')\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], file=sys.stderr)"
    )
    monkeypatch.setattr(
        "pefbench.engines.process.launch_command", lambda _, file: [sys.executable, "-c", see, str(file)]
    )
    with Pool(tmp_path, Resources(workers=2)) as pool:
        pool.use_gpus(4)
        assert [isinstance(member, Launched) for member in pool.members] == [True, True]
        pool.run([{"a": 1}], lambda *_: None)
    said = [file.read_text(encoding="utf8").strip() for file in sorted(tmp_path.glob("worker-*.log"))]
    assert "0,2" in said or "1,3" in said


TRIAL = """
import os, time
os.environ["WORLD_SIZE"] = "1"  # a launcher's worker, which need not listen for signals
from pefbench.engines import worker
def never_ends(*_):
    print(os.getpid(), file=open({place!r}, "w"), flush=True)
    time.sleep(600)
worker._run = never_ends
worker.run_one({{}})
"""
COMPARISON = """
import sys
from pathlib import Path
from pefbench.engines.process import Once
class Launch(Once):
    def command_for(self, _):
        return [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:], start_new_session=True)",
            sys.executable, "-c", {trial!r}]
Launch(Path({log!r})).ask({{}})
"""


def test_a_launched_trial_ends_when_the_comparison_is_killed(tmp_path: Path) -> None:
    """The comparison's death also reaches workers in sessions of their own, as torch's launcher starts them."""
    place = tmp_path / "pid"
    trial = TRIAL.format(place=str(place))
    comparison = subprocess.Popen(
        [sys.executable, "-c", COMPARISON.format(trial=trial, log=str(tmp_path / "log"))],
        env=child_environment(),
    )
    try:
        _until(lambda: place.exists() and place.read_text().endswith("\n"))
    finally:
        comparison.kill()
        comparison.wait()
    number = int(place.read_text())
    try:
        _until(lambda: not _runs(number))
    finally:
        if _runs(number):
            os.kill(number, signal.SIGKILL)


def _runs(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _until(met: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not met():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_trial_through_accelerate_launch(tmp_path: Path) -> None:
    # a request that cannot work: what comes back is the trial's own word, through the launcher
    launched = Launched(tmp_path / "log", [0])
    recipe = {"name": "x", "method": {"name": "lora"}}
    with pytest.raises(TrialError, match="task: missing"):
        launched.ask({"recipe": recipe, "scored": ["validation"], "out": str(tmp_path), "command": ""})


def test_no_launchers_variables_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "1")
    passed = child_environment()
    assert not {"RANK", "ACCELERATE_USE_CPU"} & passed.keys()
    assert passed["PATH"] == os.environ["PATH"]
    assert json.dumps(passed)
