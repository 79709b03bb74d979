"""A search from end to end on a tiny model: tried, stopped and tested settings, and resuming after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.engines.engine import Resources
from pefbench.engines.pruning import AGAIN, storage_of
from pefbench.errors import OutputError, RecipeError, TrialError
from pefbench.paths import child_command, child_environment
from pefbench.results.address import place_at
from pefbench.results.store import read_result
from pefbench.search import record, report
from pefbench.search.alone import alone
from pefbench.search.find import find
from pefbench.search.trials import Trials, check_shared
from pefbench.search.wanted import Wanted

if TYPE_CHECKING:
    from pefbench.results.search_schema import Found
    from tests.worlds import World

RATES = {"train.learning_rate": {"log_uniform": [1e-4, 3e-2]}}
SPACE = {**RATES, "method.rank": [2, 4]}


def recipe(world: World, name: str, **changes: Any) -> Path:
    values: dict[str, Any] = {"search": SPACE, "train__epochs": 3, "train__max_examples": 64, **changes}
    return world.recipe(name, **values)


@pytest.fixture(scope="module")
def searched(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Wanted, Path, Found]:
    """A search of eight settings, halved by validation."""
    out = tmp_path_factory.mktemp("search")
    wanted = Wanted(recipe(world, "tiny"), out, trials=8, racing=2, seeds=3, command="pefbench search tiny.yaml")
    path = find(wanted)
    return wanted, path, record.read(path)


def test_settings_are_tried_stopped_raced_and_one_is_named(searched: tuple[Wanted, Path, Found]) -> None:
    _, path, found = searched
    [method] = found["methods"].values()
    trials = method["trials"]
    assert len(trials) == 8
    finished = [trial for trial in trials if trial["status"] == "finished"]
    stopped = [trial for trial in trials if trial["status"] == "stopped"]
    assert stopped
    assert len(finished) + len(stopped) == 8
    assert all(len(trial["evaluations"]) < 3 for trial in stopped)
    assert all(trial["examples"] == 64 * len(trial["evaluations"]) for trial in stopped)
    assert all(trial["examples"] == 192 and len(trial["evaluations"]) == 2 for trial in finished)
    best = max(trial["value"] or 0 for trial in finished)
    assert found["race"][0]["values"][0] == best
    assert found["seeds"] == [0, 1, 2]
    means = [each["mean"] for each in found["race"] if each["dropped"] is None]
    named = next(each for each in found["race"] if each["setting"] == found["named"]["setting"])
    assert named["mean"] == max(means)
    assert "so optimistic" in report.render(path, found)


def test_test_is_looked_at_once_by_the_named_setting(searched: tuple[Wanted, Path, Found]) -> None:
    wanted, path, found = searched
    results = [read_result(file) for file in Path(wanted.out).rglob("*.json") if len(file.stem) == 12]
    tested = [result for result in results if "test" in result.get("metrics", {})]
    assert len(tested) == 1
    assert tested[0]["recipe"]["method"]["rank"] == found["named"]["setting"]["method.rank"]
    model = report.model_of(path, found)
    assert (model / "adapter_config.json").exists()
    assert [each.parent for each in Path(wanted.out).rglob("adapter_config.json")] == [model]
    assert not [*Path(wanted.out).rglob("checkpoint.pt")]


def test_the_same_command_does_nothing_twice(searched: tuple[Wanted, Path, Found]) -> None:
    wanted, path, found = searched
    results = [file for file in Path(wanted.out).rglob("*.json") if len(file.stem) == 12]
    before = {file: file.stat().st_mtime_ns for file in results}
    again = record.read(find(wanted))
    assert again == found
    results = [file for file in Path(wanted.out).rglob("*.json") if len(file.stem) == 12]
    assert before == {file: file.stat().st_mtime_ns for file in results}
    with alone(path.parent), pytest.raises(OutputError, match="another search is running there"):
        find(wanted)


def test_a_killed_search_goes_on_and_the_killed_trial_counts_once(world: World, tmp_path: Path) -> None:
    file = recipe(world, "killed", train__epochs=6)
    command = ["search", str(file), "--trials", "3", "--race", "1", "--prune", "none", "--out", str(tmp_path)]
    journal = tmp_path / "killed" / "search" / "journal.log"
    first = subprocess.Popen(child_command(*command), stderr=subprocess.PIPE, text=True, env=child_environment())
    assert first.stderr is not None
    for line in first.stderr:
        if line.startswith("started: killed trial 1"):
            break
    time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stderr.close()
    assert journal.exists()
    done = subprocess.run(
        child_command(*command), capture_output=True, text=True, env=child_environment(), check=True, timeout=300
    )
    assert "1 trial killed before the end, to be run again" in done.stderr or "3 trials, 2 already done" in done.stderr
    found = record.read(tmp_path / "killed" / "search" / "search.json")
    [method] = found["methods"].values()
    assert [trial["status"] for trial in method["trials"]] == ["finished"] * 3
    assert Path(done.stdout.strip().splitlines()[-1]).is_dir()
    from optuna import load_study

    trials = load_study(study_name=method["study"], storage=storage_of(str(journal))).get_trials()
    repeated = {trial.user_attrs[AGAIN]: trial for trial in trials if AGAIN in trial.user_attrs}
    assert all(trials[number].params == trial.params for number, trial in repeated.items())


def test_settings_that_cannot_be_trained_are_told_and_nothing_is_named(world: World, tmp_path: Path) -> None:
    file = recipe(world, "diverging", search={"train.learning_rate": [1e30, 1e31]}, train__max_grad_norm=1e30)
    with pytest.raises(TrialError, match=r"^no setting could be trained: the loss is not finite"):
        find(Wanted(file, tmp_path, trials=2, sampler="grid"))


@pytest.mark.parametrize(
    ("changes", "wanted", "message"),
    [
        ({"search": {"train.seed": [1]}}, {}, r"search\.train\.seed: may not be searched"),
        ({"search": {"method.rank": []}}, {}, r"^search\.method\.rank: is empty; give values, or {log_uniform"),
        (
            {"search": {"train.learning_rate": {"uniform": [0.1, 0.1]}}},
            {},
            r"^search\.train\.learning_rate\.uniform: should be two numbers, the lower first, got \[0\.1, 0\.1\]",
        ),
        ({"search": {"method.rank": [4, -1]}}, {}, r"^search: method\.rank=-1: .*method\.rank"),
        ({}, {"sampler": "grid"}, r"^--sampler grid: search\.train\.learning_rate is a range"),
        ({"search": {"method.rank": [1, 2, 3]}}, {"sampler": "grid", "trials": 2}, r"^--sampler grid: 3 settings, but"),
        ({}, {"trials": 1}, r"^--trials 1: a search needs two or more to choose from; `pefbench run` trains one$"),
        ({"search": {"method.rank": [4]}}, {}, r"^search: has one setting: a search needs two or more to choose from"),
        ({}, {"trials": 3, "racing": 4}, r"^--race 4: 3 settings are tried; raise --trials, or race fewer$"),
        ({"search": {"method.rank": [2, 4]}}, {"racing": 3}, r"^--race 3: 2 settings are tried"),
        (
            {"search": RATES},
            {"methods": ("lora", "bitfit"), "trials": 2, "racing": 5},
            r"^--race 5: 4 settings are tried",
        ),
        ({}, {"methods": ("lora", "lora")}, r"^--method lora: is given twice"),
        ({}, {"methods": ("lroa",)}, r"did you mean 'lora'"),
    ],
)
def test_what_cannot_work_is_refused_before_training(
    changes: dict[str, Any], wanted: dict[str, Any], message: str, world: World, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        find(Wanted(recipe(world, "refused", **changes), tmp_path, **wanted))
    assert not json.dumps([*map(str, tmp_path.rglob("*.json"))]).count("search.json")


def test_the_disk_is_bounded_and_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pefbench.results.store.shutil.disk_usage", lambda _: SimpleNamespace(free=10**9))
    pool: Any = SimpleNamespace(size=3)
    trials = Trials(Wanted(tmp_path, tmp_path, keep=2), place_at(tmp_path), pool)
    trials._bound_disk(3 * 10**8)
    said = "disk: at most 900 MB while it searches, 600 MB at the end (2 models), with the record"
    assert said in capsys.readouterr().err
    with pytest.raises(OutputError, match=r"too little room in .*: 1\.2 GB needed, 1\.0 GB free"):
        trials._bound_disk(4 * 10**8)


def test_a_study_that_other_machines_could_not_reach_is_refused() -> None:
    ray: Any = SimpleNamespace(resources=Resources("ray"))
    here: Any = SimpleNamespace(resources=Resources())
    store: Any = "s3://bucket/results"
    with pytest.raises(OutputError, match=r"^--on ray with results at s3://bucket/results: the study's journal needs"):
        check_shared(store, ray, None)
    check_shared(store, ray, "postgresql://server/optuna")
    check_shared(store, here, None)
    check_shared(place_at("results"), ray, None)
