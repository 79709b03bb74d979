"""A comparison whose methods Optuna tunes, each with the same budget of training examples."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.compare import report
from pefbench.compare.file import load_comparison
from pefbench.compare.grid import Wanted, compare
from pefbench.compare.plan import Plan
from pefbench.errors import OutputError, RecipeError
from pefbench.paths import child_command, child_environment
from pefbench.results.store import read_result
from pefbench.search.alone import alone
from tests.compare.files import values, write

if TYPE_CHECKING:
    from pefbench.results.verdict_schema import Comparison
    from tests.worlds import World

EXAMPLES, EPOCHS, TRIALS = 48, 3, 3
RATES = {"log_uniform": [1e-4, 3e-2]}
SEARCHED: dict[str, Any] = {
    "search": {"sampler": "tpe", "trials": TRIALS, "prune": "asha"},
    "trials": ...,
    "seeds": [1],
    "methods": {
        "head": {"method": {"name": "head_only"}, "search": {"train.learning_rate": RATES}},
        "lora": {"search": {"train.learning_rate": RATES, "method.rank": [2, 4]}},
    },
}


def searched(world: World, stem: str) -> Path:
    base = world.recipe("short", train__epochs=EPOCHS, train__max_examples=EXAMPLES).name
    return write(world, stem, recipe=base, **SEARCHED)


@pytest.fixture(scope="module")
def done(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Wanted, Path, Comparison]:
    """A comparison that was killed in its first study, and then run to its end."""
    wanted = Wanted(searched(world, "studied"), tmp_path_factory.mktemp("studied"))
    command = [*child_command("compare"), str(wanted.file), "--out", str(wanted.out)]
    process = subprocess.Popen(command, env=child_environment(), stderr=subprocess.PIPE, start_new_session=True)
    journal, deadline = Path(wanted.out, "studied", "journal.log"), time.monotonic() + 600
    assert process.stderr
    while not (journal.exists() and journal.read_text(encoding="utf8").count("examples") >= 2):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    path = compare(wanted)
    return wanted, path, report.read(path)


def test_each_method_spends_the_same_and_pruned_trials_buy_more(done: tuple[Wanted, Path, Comparison]) -> None:
    _, path, found = done
    budget = EXAMPLES * EPOCHS * TRIALS
    assert found["search"] == {"sampler": "tpe", "prune": "asha", "examples": budget}
    assert found["complete"]
    bought = {}
    for method in found["methods"]:
        ends = [trial["status"] for trial in method["tuning"]]
        assert budget - EXAMPLES * EPOCHS < method["tuning_examples"] <= budget
        assert len(method["settings"]) == len(ends) >= TRIALS
        assert len({json.dumps(setting) for setting in method["settings"]}) == len(ends)
        assert method["chosen"] is not None
        assert ends[method["chosen"]] == "finished"
        assert [value is None for value in method["validation"]] == [end != "finished" for end in ends]
        assert [trial["status"] for trial in method["final"]] == ["finished"]
        final = read_result(path.parent / method["final"][0]["result"])
        assert final["recipe"]["train"]["learning_rate"] == method["settings"][method["chosen"]]["train.learning_rate"]
        bought[method["name"]] = len(ends) - TRIALS
    assert bought["lora"] > 0  # the other study was killed: what it proposes after that is drawn anew


def test_the_verdict_says_how_many_settings_each_method_tried(done: tuple[Wanted, Path, Comparison]) -> None:
    _, _, found = done
    shown = report.render(found)
    assert "settings proposed by tpe and stopped early by asha, up to 432 examples seen per method" in shown
    for method in found["methods"]:
        stopped = sum(trial["status"] == "stopped" for trial in method["tuning"])
        assert f"({len(method['settings'])} settings, {stopped} stopped early, {method['tuning_examples']:,}" in shown


def test_the_same_command_does_nothing_twice(done: tuple[Wanted, Path, Comparison]) -> None:
    wanted, path, found = done
    before = {file: file.stat().st_mtime_ns for file in path.parent.glob("*/*.json")}
    again = report.read(compare(wanted))
    assert again | {"finished": ""} == found | {"finished": ""}
    assert {file: file.stat().st_mtime_ns for file in path.parent.glob("*/*.json")} == before
    with alone(path.parent), pytest.raises(OutputError, match="another search is running there"):
        compare(wanted)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 4}, r"search: replaces `trials`; name one of the two"),
        ({"trials": ..., "compute": 500}, r"search: replaces `compute`; name one of the two"),
        ({"trials": ..., "tuning_seeds": [0, 1]}, r"tuning_seeds: should be one seed with `search`"),
    ],
)
def test_two_budgets_are_refused(changes: dict[str, Any], message: str, world: World) -> None:
    with pytest.raises(RecipeError, match=message):
        load_comparison(write(world, "two", search={"trials": 4}, **changes))


def test_a_budget_that_does_not_buy_each_method_a_trial_is_refused(world: World) -> None:
    dear = {"method": {"name": "lora"}, "search": {"train.epochs": [1, 7]}}
    changes = {**SEARCHED, "search": {"trials": 2}, "methods": {**SEARCHED["methods"], "dear": dear}}
    plan = Plan(write(world, "dear", recipe=world.recipe("short", train__epochs=EPOCHS).name, **changes))
    message = (
        r"^search\.trials: 2 trials of the base recipe see 288 .* too few for dear, one of whose settings sees 336;"
    )
    with pytest.raises(RecipeError, match=message):
        plan.measure(EXAMPLES)


def test_a_method_that_is_only_named_is_searched_a_decade_to_either_side(world: World) -> None:
    content = values(world)
    file = write(world, "named", trials=..., search={}, methods=["lora", "ia3"], recipe=content["recipe"])
    comparison, _ = load_comparison(file)
    assert comparison.methods["lora"].search == {"train.learning_rate": {"log_uniform": [1e-4, 1e-2]}}


def test_files_without_it_are_as_they_were(world: World) -> None:
    comparison, _ = load_comparison(write(world, "as_before"))
    assert "search" not in comparison.model_dump()
