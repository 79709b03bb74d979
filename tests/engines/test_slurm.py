"""Trials on a real SLURM of two nodes: a preempted job, a cancelled one, a drained node."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from pefbench.engines import slurm as engine
from pefbench.engines.engine import Resources
from pefbench.errors import OutputError, UserError
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from pefbench.trial import run
from tests.engines.searching import searched
from tests.slurm import said, until

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.engines.messages import Message
    from tests.worlds import World


def request(world: World, out: Path, seed: int, epochs: int) -> dict[str, Any]:
    recipe = load_recipe(world.recipe("job", train__epochs=epochs), [f"train.seed={seed}"])
    return {"recipe": recipe.requested(), "scored": ["validation"], "out": str(out), "command": ""}


def results(out: Path) -> dict[int, Any]:
    found = [read_result(file) for file in out.rglob("????????????.json")]
    return {result["recipe"]["train"]["seed"]: result for result in found}


def running(job: str) -> bool:
    return said("squeue", "--noheader", "--array", f"--jobs={job}", "--states=RUNNING") != ""


@pytest.mark.slow
def test_what_slurm_does_to_jobs_costs_their_trials_nothing_but_time(slurm: Path, world: World, tmp_path: Path) -> None:
    del slurm
    out = tmp_path / "out"
    out.mkdir()
    made = engine.SlurmEngine(out, Resources("slurm", minutes=30))
    requests = [request(world, out, seed, epochs) for seed, epochs in ((0, 300), (1, 300), (2, 2))]
    told: dict[int, list[tuple[str, str | None]]] = {0: [], 1: [], 2: []}
    runs = threading.Thread(
        target=made.run, args=(requests, lambda number, event, error: told[number].append((event, error)))
    )
    runs.start()
    until(lambda: made.jobs)
    [array] = {job.partition("_")[0] for job in made.jobs}
    for number in (0, 1):
        until(lambda number=number: running(f"{array}_{number}"))
        log = said("squeue", "--noheader", "--array", f"--jobs={array}_{number}", "--format=%A").strip()
        until(lambda log=log: any("step 13/" in file.read_text("utf8") for file in out.glob(f"slurm-{log}.log")))
    said("scancel", f"{array}_1")
    said("scontrol", "update", "nodename=n2", "state=drain", "reason=test")
    preempting = said("sbatch", "--parsable", "--partition=high", "--output=/dev/null", "--wrap=sleep 3").strip()
    until(lambda: not said("squeue", "--noheader", f"--jobs={preempting}", "--states=PENDING,RUNNING"))
    runs.join(900)
    assert not runs.is_alive()
    said("scontrol", "update", "nodename=n2", "state=resume")
    assert told[0][-1] == ("ended", None)
    assert told[1][-1] == ("ended", f"its job {array}_1 ended in SLURM: it was cancelled")
    assert told[2][-1] == ("ended", None)
    found = results(out)
    assert sorted(found) == [0, 2]
    starts = [file for file in out.glob("slurm-*.log") if file.read_text(encoding="utf8").count("weights trained") == 2]
    assert len(starts) == 1, "the preempted one started twice"
    places = {seed: result["provenance"]["placement"] for seed, result in found.items()}
    assert places[2]["node"].startswith("n1 "), "the other was drained"
    assert {place["engine"] for place in places.values()} == {"slurm"}
    local = run.run(load_recipe(world.recipe("job", train__epochs=300)), tmp_path / "local", scored=("validation",))
    assert read_result(local)["curve"] == found[0]["curve"]


@pytest.mark.slow
def test_a_job_whose_time_is_over_goes_on_where_it_was(slurm: Path, world: World, tmp_path: Path) -> None:
    """The trial is held still until its time is over, so that the test takes as long on any machine."""
    del slurm
    made = engine.SlurmEngine(tmp_path, Resources("slurm", minutes=3))
    answers: list[Message] = []
    asked = request(world, tmp_path, 0, 20)
    runs = threading.Thread(target=lambda: answers.append(made.one(asked)))
    runs.start()
    until(lambda: any("step 13/" in file.read_text("utf8") for file in tmp_path.glob("slurm-*.log")), 600)
    trial = [each for each in psutil.process_iter() if _runs_a_trial(each)]
    assert trial
    for each in trial:
        each.suspend()
    log = tmp_path / "slurm"
    until(lambda: any("job is timed-out" in file.read_text("utf8") for file in log.glob("*.err")), 300)
    for each in trial:
        each.resume()
    runs.join(500)
    assert not runs.is_alive()
    [answer] = answers
    local = run.run(load_recipe(world.recipe("job", train__epochs=20)), tmp_path / "local", scored=("validation",))
    found = read_result(tmp_path / str(answer["path"]))
    assert found["curve"] == read_result(local)["curve"]
    [said] = tmp_path.glob("slurm-*.log")
    assert said.read_text(encoding="utf8").count("weights trained") > 1
    assert said.read_text(encoding="utf8").count("step 13/") == 1, "it went on, and did not begin anew"


@pytest.mark.slow
def test_a_search_finds_there_what_it_finds_here(slurm: Path, world: World, tmp_path: Path) -> None:
    del slurm
    local, _ = searched(world, tmp_path / "local", Resources())
    found, placed = searched(world, tmp_path / "slurm", Resources("slurm", minutes=30))
    assert found == local
    assert {each["engine"] for each in placed} == {"slurm"}
    assert len({each["node"] for each in placed}) == 2
    assert said("squeue", "--noheader") == "", "no job is left"


def _runs_a_trial(process: psutil.Process) -> bool:
    """Whether a process is one of this cluster's jobs, not what waits for it there."""
    try:
        return "--trial" in process.cmdline() and process.environ().get("SLURM_CONF") == os.environ["SLURM_CONF"]
    except psutil.Error:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources("slurm", partition="hgh"), "--partition hgh: no such partition; valid: endless, high, low, short"),
        (Resources("slurm", cpus=9), "a trial that asks for 9 CPUs, 0 GPUs and 120 minutes cannot run: .*"),
        (
            Resources("slurm", minutes=500),
            "and 500 minutes cannot run: the partition allows 120 minutes; give --time-limit",
        ),
    ],
)
def test_what_no_node_could_run_is_refused(slurm: Path, resources: Resources, message: str, tmp_path: Path) -> None:
    del slurm
    with pytest.raises((UserError, OutputError), match=message):
        engine.SlurmEngine(tmp_path, resources)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("partition", "minutes"), [(None, 120), ("high", 120), ("short", 30), ("short,high", 30), ("endless", 1440)]
)
def test_a_job_that_does_not_say_gets_the_time_of_its_partition(
    slurm: Path, partition: str | None, minutes: int, tmp_path: Path
) -> None:
    del slurm
    made = engine.SlurmEngine(tmp_path, Resources("slurm", partition=partition))
    assert made.executor.parameters["time"] == minutes


def test_a_controller_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    sinfo = tmp_path / "sinfo"
    sinfo.write_text("#!/bin/sh\necho 'Unable to contact slurm controller (connect failure)' >&2; exit 1\n", "utf8")
    sinfo.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match=r"^--on slurm: the controller does not answer: Unable to contact slurm"):
        engine.SlurmEngine(tmp_path, Resources("slurm"))


@pytest.mark.parametrize(
    ("said", "partition", "found"),
    [
        ("low* n/a 2:00:00\nhigh n/a 1:00:00\n", None, (120, 120)),
        ("low* n/a 1-12:00:00\n", None, (2160, 2160)),
        ("low* 30:00 infinite\n", None, (30, float("inf"))),
        ("low* n/a infinite\nlow* n/a infinite\n", None, (1440, float("inf"))),
        ("high 0:30 2:00:00\n", "high", (1, 120)),
        ("high 30:00 2:00:00\n", None, (1440, float("inf"))),
    ],
)
def test_times_of_a_partition(
    said: str, partition: str | None, found: tuple[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_asked", lambda *_: said)
    assert engine._times(Resources("slurm", partition=partition)) == found


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("infinite", float("inf")), ("n/a", float("inf")), ("30:00", 30), ("2:00:30", 120.5), ("1-00:00:00", 1440)],
)
def test_times_are_read_as_slurm_prints_them(limit: str, minutes: float) -> None:
    assert engine.minutes_of(limit) == minutes


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "submitit", None)
        with pytest.raises(UserError, match=r"^--on slurm needs submitit: pip install 'pefbench\[slurm\]'$"):
            engine.SlurmEngine(tmp_path, Resources("slurm"))
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match=r"^--on slurm: no sinfo here; run this on a machine that can submit jobs$"):
        engine.SlurmEngine(tmp_path, Resources("slurm"))
