"""`pefbench compare` from end to end on a tiny world, through the real command line.

`child_command` starts it by a fork of a process that has imported everything (tests/zygote.py).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pefbench.compare import report
from pefbench.compare.verdict import MORE
from pefbench.paths import child_command
from pefbench.recipe import load_resolved
from pefbench.results import predictions
from pefbench.stats import all_pairs
from pefbench.stats.resampling import resample
from tests import zygote
from tests.compare.files import write
from tests.trial.test_processes import ROOT, finish, start
from tests.trials import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.worlds import World

DIVERGES = 1e30


def verdict(out: Path, name: str) -> Mapping[str, Any]:
    return report.read(out / name / "comparison.json")


def methods(found: Mapping[str, Any]) -> dict[str, Any]:
    return {method["name"]: method for method in found["methods"]}


@pytest.fixture(scope="module")
def done(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str, str]:
    """Return the file of a comparison, its results, and what the command printed and said."""
    lora = {"method": {"name": "lora", "rank": 4}, "search": {"train.learning_rate": [DIVERGES, 0.01]}}
    file = write(world, "whole", recipe=world.recipe("longer", train__epochs=6).name, methods__lora=lora)
    out = tmp_path_factory.mktemp("compared")
    status, printed, said = finish([*child_command("compare"), file, "--workers", 2, "--out", out], ROOT, seconds=600)
    assert status == 0, said
    return file, out, printed, said


def test_methods_are_tuned_alike_and_then_tested_once_a_seed(done: tuple[Path, Path, str, str]) -> None:
    _, out, printed, _ = done
    found = verdict(out, "whole")
    assert found["complete"]
    assert (found["metric"], found["seeds"], found["trials"]) == ("entity_f1", [1, 2], 2)
    results = [json.loads(file.read_text(encoding="utf8")) for file in out.glob("whole/*/*.json")]
    tested = [(each["recipe"]["name"], each["recipe"]["train"]["seed"]) for each in results if "test" in each["scored"]]
    assert sorted(tested) == [("head", 1), ("head", 2), ("lora", 1), ("lora", 2)]
    tuned = [each for each in results if "test" not in each["scored"]]
    assert len(tuned) == 4
    assert all("test" not in each.get("metrics", {}) for each in tuned)
    assert methods(found)["lora"]["best"]
    assert methods(found)["lora"]["test"]["value"] > 0.9
    assert "comparison.json" in printed
    [pair] = found["pairs"]
    assert pair["difference"] == pytest.approx(
        methods(found)["head"]["test"]["value"] - methods(found)["lora"]["test"]["value"]
    )
    assert pair["mcnemar"] == []  # entity F1 is no fraction of right examples


def test_the_verdict_holds_every_trial(done: tuple[Path, Path, str, str]) -> None:
    _, out, _, _ = done
    for method in verdict(out, "whole")["methods"]:
        assert [(trial["setting"], trial["seed"]) for trial in method["tuning"]] == [(0, 0), (1, 0)]
        assert [trial["seed"] for trial in method["final"]] == [1, 2]
        for trial in [*method["tuning"], *method["final"]]:
            result = json.loads((out / "whole" / trial["result"]).read_text(encoding="utf8"))
            assert result["recipe"]["train"]["seed"] == trial["seed"]
            assert result["provenance"]["command"].startswith("pefbench compare ")
        assert method["costs"]["train_seconds"] > 0
        assert method["costs"]["train_processor_seconds"] > 0
        assert method["costs"]["inference_seconds_per_1000"] > 0
        assert (method["costs"]["merged_seconds_per_1000"] is None) == (method["name"] == "head")
        assert method["costs"]["peak_memory_bytes"].keys() == {"load", "tokenize", "train", "evaluate"}


def test_a_setting_that_diverges_is_a_failed_trial_and_is_not_run_again(done: tuple[Path, Path, str, str]) -> None:
    file, out, printed, said = done
    lora = methods(verdict(out, "whole"))["lora"]
    assert [trial["status"] for trial in lora["tuning"]] == ["failed", "finished"]
    assert "not finite" in lora["tuning"][0]["error"]
    assert (lora["chosen"], lora["validation"][0]) == (1, None)
    assert lora["expected_best"][0] == pytest.approx(lora["validation"][1])
    before = {path: path.stat().st_mtime_ns for path in out.glob("whole/*/*.json")}
    status, again, said = finish([*child_command("compare"), file, "--out", out], ROOT, seconds=300)
    assert status == 0, said
    assert "started:" not in said
    assert again == printed
    assert {path: path.stat().st_mtime_ns for path in out.glob("whole/*/*.json")} == before


def test_groups_are_what_pairs_are_judged_by(world: World, tmp_path: Path) -> None:
    """From `data.group` to the verdict, and on to what reads results."""
    rows = [f"{text},{label},author {i % 40}" for i, (text, label) in enumerate(labelled(200, seed=4))]
    (world.folder / "authors.csv").write_text("\n".join(["text,label,author", *rows]) + "\n", encoding="utf8")
    data = {"source": f"file:{world.folder / 'authors.csv'}", "group": "author"}
    recipe = world.recipe("authors", task="topic", data=data, train__epochs=4).name
    rate = {"train.learning_rate": [0.01]}
    tried = {name: {"method": {"name": name}, "search": rate} for name in ("head_only", "lora")}
    file = write(world, "by_author", recipe=recipe, trials=1, methods=tried)
    status, printed, said = finish([*child_command("compare"), file, "--out", tmp_path], ROOT, seconds=300)
    assert status == 0, said
    [pair] = verdict(tmp_path, "by_author")["pairs"]
    assert not pair["mcnemar"]  # which takes examples to be independent
    assert not pair["identical"]
    results = tmp_path / "by_author"
    finals = [*results.glob("*/*/predictions.jsonl")]
    assert len(finals) == 4
    right: dict[str, list[Any]] = {"head_only": [], "lora": []}
    for each in finals:
        answered = predictions.read(each)
        result = json.loads(each.parent.with_suffix(".json").read_text(encoding="utf8"))
        authors = predictions.clusters(answered)
        assert authors is not None
        assert 1 < len({*authors}) < len(answered)
        assert f"|clusters:{len({*authors})}" in result["metrics"]["test"]["accuracy"]["signature"]
        right[result["recipe"]["name"]].append(np.array([row["correct"] for row in answered]))
    errors = [
        all_pairs.judge(
            [resample([partial(share, each) for each in right[name]], len(answered), clusters=by) for name in right],
            [len(answered)],
            level=0.05,
            margin=0.01,
            proportion=True,
        )[0].standard_error
        for by in (authors, None)
    ]
    assert pair["standard_error"] == pytest.approx(errors[0])
    assert errors[0] != pytest.approx(errors[1], rel=0.01)
    before, page = shutil.copytree(results, tmp_path / "before"), tmp_path / "report.html"
    for command, *rest in (
        ["check", results, "--baseline", before],
        ["verify", finals[0].parent],
        ["predict", finals[0].parent, "Anna saw Rome"],
        ["report", results, "--out", page],
        ["table", results],
        ["pick", results],
    ):
        status, printed, said = finish([*child_command(str(command)), *rest], ROOT)
        assert status == 0, printed + said
        assert "warning" not in said


def share(right: Any, weights: Any) -> Any:
    return weights @ right / weights.sum(axis=1)


def test_trials_of_tuning_are_no_results_of_the_table(done: tuple[Path, Path, str, str]) -> None:
    _, out, _, _ = done
    status, printed, _ = finish([*child_command("table"), out, "--format", "json"], ROOT)
    assert status == 0
    assert len(json.loads(printed)) == 4


def test_a_dry_run_tells_what_is_left_and_how_long(world: World, done: tuple[Path, Path, str, str]) -> None:
    file, out, _, _ = done
    before = sorted(out.rglob("*"))
    status, printed, said = finish([*child_command("compare"), file, "--out", out, "--dry-run"], ROOT, seconds=300)
    assert status == 0, said
    assert "8 trials, 8 already done" in printed
    assert "nothing is left to run" in printed
    longer = write(world, "whole", recipe="longer.yaml", seeds=[1, 2, 3])
    status, printed, said = finish([*child_command("compare"), longer, "--out", out, "--dry-run"], ROOT, seconds=300)
    assert status == 0, said
    assert "to run: final head" in printed
    assert "time: about" in printed
    assert sorted(out.rglob("*")) == before


def test_a_shared_trial_is_the_lone_one(world: World, done: tuple[Path, Path, str, str], tmp_path: Path) -> None:
    _, out, _, _ = done
    trial = methods(verdict(out, "whole"))["lora"]["final"][1]
    shared = json.loads((out / "whole" / trial["result"]).read_text(encoding="utf8"))
    recipe = load_resolved(shared["recipe"])
    overrides = ["method.rank=4", f"train.learning_rate={recipe.train.learning_rate}", "train.seed=2"]
    command = [*child_command("run"), world.folder / "longer.yaml", "--out", tmp_path]
    status, _, said = finish([*command, *(part for each in overrides for part in ("-o", each))], ROOT, seconds=600)
    assert status == 0, said
    [file] = tmp_path.glob("longer/*.json")
    alone = json.loads(file.read_text(encoding="utf8"))
    assert alone["id"] == shared["id"]
    assert alone["curve"] == shared["curve"]
    assert alone["metrics"] == shared["metrics"]
    one, other = (
        (each.with_suffix("") / "model" / "adapter_model.safetensors").read_bytes()
        for each in (file, out / "whole" / trial["result"])
    )
    assert one == other


def test_a_killed_worker_costs_its_trial_alone_and_the_next_start_mends_it(world: World, tmp_path: Path) -> None:
    # the first head trial is long enough to be killed in; the others are not touched
    head = {"method": {"name": "head_only"}, "search": {"train.epochs": [3000, 1]}}
    file = write(world, "killed", methods__head=head, seeds=[1])
    command = [*child_command("compare"), file, "--out", tmp_path]
    running = start(command, ROOT)
    log = tmp_path / "killed" / "worker-0.log"
    deadline = time.monotonic() + 300
    while not log.exists() or "weights trained" not in log.read_text(encoding="utf8"):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.1)
    os.kill(worker_of(zygote.real_pid(running.pid)), signal.SIGKILL)
    _, said = running.communicate(timeout=600)
    assert running.returncode == 1, said
    found = verdict(tmp_path, "killed")
    assert not found["complete"]
    assert [trial["status"] for trial in methods(found)["head"]["tuning"]] == ["missing", "finished"]
    assert "SIGKILL" in methods(found)["head"]["tuning"][0]["error"]
    assert methods(found)["head"]["final"] == []  # the choice is not made yet
    assert methods(found)["lora"]["test"] is not None

    shorter = {**head, "search": {"train.epochs": [2, 1]}}
    write(world, "killed", methods__head=shorter, seeds=[1])
    status, printed, said = finish(command, ROOT, seconds=600)
    assert status == 0, said
    started = [line for line in said.splitlines() if line.startswith("started:")]
    assert len(started) == 2  # the setting that is missing, and head's final trial
    assert all("head" in line for line in started)
    assert verdict(tmp_path, "killed")["complete"]
    assert "not finished" not in printed


def test_where_methods_are_undecided_more_seeds_are_run(world: World, tmp_path: Path) -> None:
    twin = {"method": {"name": "head_only"}, "search": {"train.learning_rate": [0.001, 0.003, 0.009]}}
    file = write(world, "looks", methods={"head": twin, "twin": twin}, seeds=[1, 2, 3], looks=[2, 3], trials=4)
    command = [*child_command("compare"), file, "--out", tmp_path]
    status, plan, said = finish([*command, "--dry-run"], ROOT, seconds=300)
    assert status == 0, said
    assert "looks: at 2 seeds; if a method is then undecided against the best, at 3 seeds" in plan
    assert "further looks: at most 2 trials more" in plan
    assert "and 2 tuning trials with settings that depend on these" in plan
    status, printed, said = finish(command, ROOT, seconds=600)
    assert status == 0, said
    found = verdict(tmp_path, "looks")
    assert (found["seeds"], found["looks"], found["level"]) == ([1, 2, 3], [2, 3], 0.025)
    assert [len(method["final"]) for method in found["methods"]] == [3, 3]
    assert found["pairs"][0]["identical"]
    for method in found["methods"]:  # of the budget of four, the last is placed by the results of three
        rates = [setting["train.learning_rate"] for setting in method["settings"]]
        assert rates[:3] == [0.001, 0.003, 0.009]
        assert len({*rates}) == len(method["validation"]) == len(method["tuning"]) == 4
    assert MORE not in found["notes"]
    before = (tmp_path / "looks" / "comparison.json").read_text(encoding="utf8").partition('"finished": "20')[0]
    status, again, said = finish(command, ROOT, seconds=600)
    assert (status, again) == (0, printed), said
    assert "started:" not in said
    assert (tmp_path / "looks" / "comparison.json").read_text(encoding="utf8").startswith(before)
    assert "identical answers" in printed

    file = tmp_path / "looks" / "comparison.json"
    (file.parent / found["methods"][1]["final"][2]["result"]).unlink()
    file.unlink()
    running = start(command, ROOT)
    while not file.exists():
        assert running.poll() is None
        time.sleep(0.02)
    first = report.read(file)
    assert (first["seeds"], first["notes"][-1:]) == ([1, 2], [MORE]), "the first look's, until the second is done"
    _, said = running.communicate(timeout=600)
    assert said.count("started:") == 1
    whole = report.read(file)
    assert (whole["pairs"], whole["notes"]) == (found["pairs"], found["notes"])


def test_a_budget_of_compute_is_planned_and_told(world: World, tmp_path: Path) -> None:
    """240 examples seen: four settings of one epoch of 60 examples, or two of two epochs."""
    short = {"train.batch_size": [4, 8, 16], "train.schedule": ["cosine"], "train.epochs": [1]}
    long = {"train.batch_size": [4, 8], "train.epochs": [2]}
    tried = {"short": {"method": {"name": "head_only"}, "search": short}}
    tried["long"] = {"method": {"name": "head_only"}, "search": long}
    recipe = world.recipe("sixty", train__max_examples=60).name
    changes = {"recipe": recipe, "methods": tried, "seeds": [1], "trials": ...}
    command = [*child_command("compare"), write(world, "seen", **changes, compute=240), "--out", tmp_path]
    status, plan, said = finish([*command, "--dry-run"], ROOT, seconds=300)
    assert status == 0, said
    assert "2 methods, settings that see up to 240 training examples each on 1 tuning seed" in plan
    assert "batch_size 16, schedule cosine, epochs 1 (180 examples seen); then about 1 more" in plan
    assert "batch_size 8, epochs 2 (240 examples seen); then about 0 more" in plan
    status, printed, said = finish(command, ROOT, seconds=600)
    assert status == 0, said
    assert (
        "seen: entity_f1 on test, higher is better; settings that see up to 240 training examples per method" in printed
    )
    assert "(4 settings, 240 examples seen)" in printed
    found = verdict(tmp_path, "seen")
    used = {name: (len(each["tuning"]), each["tuning_examples"]) for name, each in methods(found).items()}
    assert (found["compute"], used) == (240, {"short": (4, 240), "long": (2, 240)})
    for result in map(json.loads, (file.read_text(encoding="utf8") for file in tmp_path.glob("seen/*/*.json"))):
        assert result["data"]["splits"]["train"]["examples"] == 60  # what the plan counts is what trials see
    status, printed, said = finish(
        [*child_command("compare"), write(world, "seen", **changes, compute=100), "--out", tmp_path], ROOT
    )
    assert status == 2
    assert said == (
        "error: compute: 100 training examples are too few for short, whose first 3 settings see 180; "
        "raise it, or search fewer values or fewer epochs\n"
    )


def worker_of(pid: int) -> int:
    """Return the process that a comparison has started."""
    children = [file.read_text(encoding="ascii").split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    [worker] = [int(child) for each in children for child in each]
    return worker


def test_a_wrong_comparison_ends_with_status_2(world: World, tmp_path: Path) -> None:
    file = write(world, "unknown", metric="entity_f2")
    status, printed, said = finish([*child_command("compare"), file, "--out", tmp_path], ROOT)
    assert (status, printed) == (2, "")
    assert said.startswith("error: metric: unknown value 'entity_f2'; did you mean 'entity_f1'?")
    status, _, said = finish([*child_command("compare"), "nowhere.yaml"], ROOT)
    assert (status, said) == (2, "error: no comparison at nowhere.yaml\n")
    status, _, said = finish([*child_command("compare"), file], ROOT, WORLD_SIZE="2")
    assert (status, said) == (2, "error: compare starts the processes that it needs; run it without a launcher\n")


def test_reading_a_verdict_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "transformers", "evaluate"}
    code = f"import sys; import pefbench.compare.report; print(sorted({heavy} & set(sys.modules)))"
    status, printed, said = finish([sys.executable, "-c", code], ROOT)
    assert (status, printed) == (0, "[]\n"), said
