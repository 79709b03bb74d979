"""The dry run: finished trials, missing trials, and the time estimate from earlier trials."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pefbench.compare import estimate
from pefbench.compare.plan import Outcome
from pefbench.compare.selection import Selection
from tests.compare.finals import plan
from tests.sample_results import sample, store

if TYPE_CHECKING:
    from pathlib import Path


def outcome(path: Path, method: str, *, epochs: float = 4, status: str = "missing") -> Outcome:
    recipe = sample("x", method)["recipe"]
    recipe["train"]["epochs"] = epochs
    planned: Any = SimpleNamespace(
        method=method, text=f"tuning {method}", recipe=SimpleNamespace(resolved=lambda: recipe)
    )
    found: Any = Outcome(planned, path, status, None)  # type: ignore[arg-type]
    return found  # type: ignore[no-any-return]


def earlier(out: Path, method: str, seconds: int, seed: int, epochs: float = 4) -> None:
    finished = f"2026-01-02T03:{4 + seconds // 60:02d}:{5 + seconds % 60:02d}Z"
    store(
        out,
        sample("before", method, seed=seed, changes={"provenance.finished": finished, "recipe.train.epochs": epochs}),
    )


def rendered(out: Path, outcomes: list[Outcome], workers: int = 1) -> str:
    chosen = {"lora": Selection(1, [0.1, 0.2]), "full": Selection(None, [None, None])}
    return estimate.render(plan(["lora", "full"], [1, 2, 3]), chosen, outcomes, out, workers)


def test_the_median_of_trials_alike_scaled_by_epochs(out: Path) -> None:
    for seed, seconds in enumerate((10, 20, 50)):
        earlier(out, "lora", seconds, seed)
    shown = rendered(out, [outcome(out / "a", "lora"), outcome(out / "b", "lora", epochs=8)])
    assert "to run: tuning lora (about 20 s)" in shown
    assert "to run: tuning lora (about 40 s)" in shown
    assert shown.endswith("time: about 1 min 00 s")
    assert "time: about 20 s with 2 workers" in rendered(out, [outcome(out / "a", "lora")], workers=2)


def test_fewer_training_examples_take_less_time_to_train_but_not_to_test(out: Path) -> None:
    known = {"provenance.finished": "2026-01-02T03:06:05Z", "recipe.train.epochs": 4, "recipe.train.max_examples": 1200}
    store(out, sample("before", "lora", changes=known))  # 120 s, 48 of them for training
    fewer = outcome(out / "a", "lora")
    fewer.planned.recipe.resolved()["train"]["max_examples"] = 300
    assert rendered(out, [fewer]).endswith("time: about 1 min 24 s")


def test_a_limit_beyond_the_split_changes_nothing(out: Path) -> None:
    earlier(out, "lora", 20, 0)
    every = outcome(out / "a", "lora")
    every.planned.recipe.resolved()["train"]["max_examples"] = 5_000
    assert rendered(out, [every]).endswith("time: about 20 s")


def test_what_passed_between_two_starts_of_a_trial_took_it_no_time(out: Path) -> None:
    changes = {"provenance.resumed": ["2026-01-09T00:00:00Z"], "provenance.finished": "2026-01-09T00:00:05Z"}
    store(out, sample("before", "lora", changes=changes | {"recipe.train.epochs": 4}))
    assert rendered(out, [outcome(out / "a", "lora")]).endswith("time: about 52 s")  # all its phases


def test_what_is_not_known_is_said(out: Path) -> None:
    earlier(out, "lora", 20, 0)
    (out / "before" / "0123456789ab.json").write_text("{", encoding="utf8")
    other = outcome(out / "b", "full")
    other.planned.recipe.resolved()["task"] = "another"
    assert rendered(out, [outcome(out / "a", "lora"), other]).endswith(
        "time: about 20 s, and 1 trial of unknown duration"
    )
    assert rendered(out, [other]).endswith("time: unknown; no similar trial has been run yet")


def test_where_a_method_was_not_run_others_tell_of_it(out: Path) -> None:
    earlier(out, "lora", 20, 0)
    assert rendered(out, [outcome(out / "b", "full")]).endswith("time: about 20 s")
    earlier(out, "full", 50, 1)
    assert rendered(out, [outcome(out / "b", "full")]).endswith("time: about 50 s")


def test_the_plan_says_what_is_chosen_and_done(out: Path) -> None:
    shown = rendered(out, [outcome(out / "a", "lora", status="finished")])
    assert "2 methods, 2 settings each on 1 tuning seed, then 3 final seeds: 1 trial, 1 already done" in shown
    assert "lora: learning_rate 0.001; learning_rate 0.01; chosen: learning_rate 0.01" in shown
    assert "full: learning_rate 0.001; learning_rate 0.01\n" in shown
    assert shown.endswith("nothing is left to run")
