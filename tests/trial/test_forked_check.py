"""Round trips in forks of a process that has only imported the libraries."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import pytest
from safetensors.torch import load_file, save_file

from pefbench.results.store import read_result
from tests.forked import Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a check is an interpreter of its own")

START = """
import json, os, signal
from pathlib import Path
from pefbench.trial import build, forked_check, round_trip
forked_check.start()
"""


@pytest.fixture(scope="module")
def fresh() -> Iterator[Interpreter]:
    """Interpreters as a command is before it does anything."""
    with Interpreter("pefbench.trial.run", "pefbench.cli.main", "transformers.models.bert.modeling_bert") as made:
        yield made


def test_what_happens_in_the_process_after_its_imports_does_not_reach_a_check(fresh: Interpreter, tagger: Path) -> None:
    """Also not what it has trained: it could not even load a model itself."""
    code = f"""{START}
assert forked_check.waits()
build.saved = build.pretrained = None
round_trip.verify = lambda _: {{"examples": 0, "differ": 0}}
os.environ["PEFBENCH_CACHE"] = "/nowhere"
for _ in range(2):
    print(json.dumps(round_trip.check_in_fresh_process(Path({str(tagger.with_suffix(""))!r}), forked=True)))
"""
    expected = read_result(tagger)["data"]["splits"]["test"]["examples"]
    for line in fresh.run(code).splitlines():
        found = json.loads(line)
        assert found["reproduced"] is True
        assert (found["examples"], found["differ"]) == (expected, 0)


def test_a_weight_that_was_lost_is_found_and_told_as_by_a_new_interpreter(
    fresh: Interpreter, tagger: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tagger.with_suffix(""), tmp_path / "lost")
    [file] = folder.rglob("adapter_model.safetensors")
    save_file({name: weight * 0 for name, weight in load_file(file).items()}, file, {"format": "pt"})
    code = f"""{START}
from pefbench.errors import RoundTripError
for forked in (True, False):
    try:
        round_trip.check_in_fresh_process(Path({str(folder)!r}), forked=forked)
    except RoundTripError as error:
        print(error)
"""
    by_fork, by_interpreter = fresh.run(code).splitlines()
    assert by_fork == by_interpreter
    assert str(folder) in by_fork


def test_where_the_waiting_process_is_gone_a_check_is_a_new_interpreter(fresh: Interpreter, tagger: Path) -> None:
    code = f"""{START}
[waiting] = open(f"/proc/self/task/{{os.getpid()}}/children").read().split()
os.kill(int(waiting), signal.SIGKILL)
found = round_trip.check_in_fresh_process(Path({str(tagger.with_suffix(""))!r}), forked=True)
print(found["differ"], forked_check.waits())
"""
    assert fresh.run(code) == "0 False"


def test_nobody_waits_where_a_fork_would_not_be_sound(fresh: Interpreter) -> None:
    started = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    assert fresh.run(f"{started}{START}print(forked_check.waits(), forked_check.run('--help'))") == "False None"
    several = "import os\nos.environ['WORLD_SIZE'] = '2'\n"
    assert fresh.run(f"{several}{START}print(forked_check.waits())") == "False"


def test_the_waiting_process_ends_with_the_one_that_started_it(fresh: Interpreter) -> None:
    code = f"""{START}
done = forked_check.run("--version")
print(done.returncode, done.stdout.split()[0], open(f"/proc/self/task/{{os.getpid()}}/children").read())
"""
    status, name, waiting = fresh.run(code).split()
    assert (status, name) == ("0", "pefbench")
    for _ in range(100):
        if not os.path.exists(f"/proc/{waiting}"):  # noqa: PTH110 - a process
            return
        time.sleep(0.1)
    pytest.fail("it waits for nobody")
