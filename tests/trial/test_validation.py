"""Validation during training: no side effects, the best step, early stopping, and resuming after a kill."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pefbench import hardware
from pefbench.errors import PefbenchError, RecipeError
from pefbench.metrics import compute
from pefbench.recipe import load_recipe
from pefbench.registry import names
from pefbench.results.store import read_result
from pefbench.trial import build, devices, keeping, run
from pefbench.trial.batching import collate
from pefbench.trial.folder import CHECKPOINT
from pefbench.trial.loop import Training
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import Prepared, prepare
from pefbench.trial.record import phases_of
from pefbench.trial.stepping import Stepper
from pefbench.trial.validation import Validation, check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World


def prepared(world: World, **changes: Any) -> Prepared:
    return prepare(load_recipe(world.recipe("validating", **changes)), Phases())


def training(ready: Prepared, folder: Path, phases: Phases | None = None) -> Training:
    settings, accelerator, phases = ready.recipe.train, devices.accelerator("fp32"), phases or Phases()
    torch.manual_seed(0)
    return Training(
        Stepper(build.with_method(ready, build.pretrained(ready)), ready, accelerator),
        checkpoint=folder / CHECKPOINT,
        checkpoint_key={"id": "test"},
        validation=None if settings.evaluate == "none" else Validation(ready, accelerator, phases),
        phases=phases,
    )


def weights(run: Training) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in run.stepper.trainable]


def same(first: Training, second: Training) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def scores(run: Training) -> dict[int, dict[str, float]]:
    return {point["step"]: point["validation"] for point in run.at.curve if "validation" in point}


METHODS = {name: {"name": name} for name in names("method") if name != "peft"} | {"vera": {"name": "vera", "rank": 8}}


@pytest.mark.sample(4)
@pytest.mark.parametrize("method", METHODS)
def test_scoring_changes_no_weight_and_the_best_ones_are_kept(
    world: World, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every method, with the model's dropout, whose numbers come from the process's generator."""
    changes: dict[str, Any] = {"method": METHODS[method], "train__epochs": 1}
    never = training(prepared(world, train__evaluate="none", **changes), tmp_path / "never")
    never.run()
    best = training(prepared(world, train__evaluate=4, train__keep="best", **changes), tmp_path / "best")
    values, score, put_back = iter([0.1, 0.4, 0.4, 0.2]), Validation.score, keeping.put_back

    def scored(self: Validation, model: Any, *, last: bool) -> dict[str, float]:
        return score(self, model, last=last) | {"entity_f1": next(values)}

    def ended(*given: Any) -> None:
        assert same(never, best), "scoring changed a weight"
        put_back(*given)

    monkeypatch.setattr(Validation, "score", scored)
    monkeypatch.setattr(keeping, "put_back", ended)
    best.run()
    assert [*scores(best)] == [4, 8, 12, 13]
    assert (best.kept()["step"], best.kept()["steps"]) == (8, 13)
    assert not same(never, best)
    assert best.validation is not None
    assert best.validation.last is None, "the last step's answers are not those of the weights that are kept"
    assert score(best.validation, best.model, last=True) | {"entity_f1": 0.4} == scores(best)[8]


def test_patience_ends_training_and_the_last_step_is_kept_unless_the_best_is_asked_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for keep, step in (("last", 20), ("best", 10)):
        values = iter([0.1, 0.4, 0.3, math.nan])
        monkeypatch.setattr(
            Validation,
            "score",
            lambda *_, values=values, **__: {"entity_f1": found} if (found := next(values)) > 0 else {},
        )
        ready = prepared(world, train__evaluate=5, train__patience=2, train__keep=keep)
        stopped = training(ready, tmp_path / keep)
        stopped.run()
        kept = stopped.kept()
        assert (kept["step"], kept["steps"], kept["planned"], kept["stopped"]) == (step, 20, 26, "patience")
        again = training(ready, tmp_path / keep)
        again.run()
        assert (again.kept(), again.at.curve) == (kept, stopped.at.curve), "a stopped run does not go on"
        assert same(again, stopped)


class Killed(BaseException):
    """What ends a run as a signal would: no handler catches it."""


@pytest.fixture(scope="module")
def whole(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Training]:
    """What is trained, and its training, which nothing ended."""
    ready = prepared(world, train__keep="best", train__evaluate=5, train__checkpoint_steps=10)
    run = training(ready, tmp_path_factory.mktemp("whole"))
    run.run()
    return ready, run


@pytest.mark.parametrize("stop", ["step 8", "step 13", "step 24", "save 10", "save 20", "save 26"])
def test_a_killed_run_ends_with_the_same_best_step_bit_for_bit(
    whole: tuple[Prepared, Training], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    """save: between an evaluation and the checkpoint of its step."""
    ready, unbroken = whole
    killed = training(ready, tmp_path / "killed")
    where, at = stop.split()
    name = {"step": "_step", "save": "_save"}[where]
    real = getattr(killed, name)

    def dies(*given: Any) -> None:
        if killed.at.step == int(at):
            raise Killed
        real(*given)

    monkeypatch.setattr(killed, name, dies)
    with pytest.raises(Killed):
        killed.run()
    torch.manual_seed(99)  # a new process has other random states
    again = training(ready, tmp_path / "killed")
    again.run()
    assert again.at.curve == unbroken.at.curve
    assert again.kept() == unbroken.kept()
    assert same(again, unbroken)


def test_the_disk_holds_two_checkpoints_at_most_and_no_frozen_weight(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    states: list[Any] = []
    real = torch.save

    def spying(state: Any, stream: Any) -> None:
        real(state, stream)
        states.append(state)
        seen.append({file.name for file in tmp_path.iterdir()})

    monkeypatch.setattr(torch, "save", spying)
    values = iter([0.1, 0.5, *[0.3] * 100])
    monkeypatch.setattr(Validation, "score", lambda *_, **__: {"entity_f1": next(values)})
    ready = prepared(world, train__epochs=5, train__keep="best", train__evaluate=4, train__checkpoint_steps=4)
    run = training(ready, tmp_path)
    run.run()
    assert len(seen) == 17
    assert max(map(len, seen)) == 2
    assert [file.name for file in tmp_path.iterdir()] == [CHECKPOINT]
    model = run.stepper.unwrapped
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    held = [state["kept"]["weights"] for state in states]
    assert [best is None for best in held] == [True, True, *[False] * 15], "the newest weights stand there once"
    for weights in [state["steps"]["trained"] for state in states] + [best["trained"] for best in held if best]:
        assert {name for name, _ in model.named_parameters()} & weights.keys() == trained


@pytest.mark.parametrize("changes", [{"train__keep": "best"}, {"train__patience": 3}])
def test_choosing_without_scores_is_refused(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(
        RecipeError, match=r"needs scores on validation during training, but train.evaluate is none; set"
    ):
        load_recipe(world.recipe("unscored", train__evaluate="none", **changes))
    recipe = load_recipe(world.recipe("unscored", **changes))
    with pytest.raises(RecipeError, match="needs the validation split, which this trial does not score"):
        check(recipe, ["test"])
    check(recipe, ["validation"])


@pytest.mark.parametrize(("given", "read"), [("50 steps", 50), ("1 step", 1), (7, 7), ("epoch", "epoch")])
def test_intervals(world: World, given: object, read: object) -> None:
    assert load_recipe(world.recipe("interval", train__evaluate=given)).train.evaluate == read


@pytest.mark.parametrize("given", [0, -1, "0", "steps", True, False, 1.5, "best", [5]])
def test_other_intervals_are_refused(world: World, given: object) -> None:
    with pytest.raises(RecipeError, match=r"train.evaluate: should be epoch, none or a number of steps from 1, got "):
        load_recipe(world.recipe("interval", train__evaluate=given))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"loss"}),
        ({"train__evaluate": "epoch"}, {"loss", "entity_f1"}),
        ({"train__evaluate": 20}, {"loss", "entity_f1"}),
        ({"train__keep": "best"}, {"loss", "entity_f1"}),
        ({"train__patience": 2}, {"loss", "entity_f1"}),
    ],
)
def test_where_answers_are_generated_the_loss_alone_is_the_default(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], names: set[str]
) -> None:
    """By a head that says it generates; the loss is that of the examples one by one."""
    ready = prepared(world, **changes)
    monkeypatch.setattr(ready.head, "generates", True, raising=False)
    run = training(ready, tmp_path)
    validation = Validation(ready, run.accelerator, Phases())
    found = validation.score(run.model, last=False)
    assert found.keys() & {"loss", "entity_f1"} == names
    split = ready.encoded["validation"]
    run.model.eval()
    with torch.no_grad():
        losses = [float(run.stepper.head.loss_sum(run.model, collate(split, [i]))) for i in range(len(split))]
    assert found["loss"] == pytest.approx(sum(losses) / split.targets.sum(), rel=1e-5)
    assert {"loss", "entity_f1"} <= validation.score(run.model, last=True).keys()


@pytest.fixture(scope="module")
def results(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Trials of one recipe that differ in when validation is scored and what is kept; one predicts test, too."""
    out, said = tmp_path_factory.mktemp("results"), {}
    changes: dict[str, dict[str, Any]] = {
        "none": {"train__evaluate": "none"},
        "epoch": {},
        "best": {"train__keep": "best", "train__evaluate": 6, "train__epochs": 4},
    }
    for name, each in changes.items():
        recipe = load_recipe(world.recipe("scored", **each))
        scored = ["validation", "test"] if name == "best" else ["validation"]
        said[name] = read_result(run.run(recipe, out / name, scored=scored))
    return said


def test_the_id_and_all_scores_are_the_same_with_and_without(results: dict[str, Any]) -> None:
    none, epoch = results["none"], results["epoch"]
    for field in ("id", "metrics", "model", "headline", "kept"):
        assert none[field] == epoch[field], field
    assert none["kept"]["chosen"] == "last"
    assert results["best"]["id"] != none["id"]


def test_what_validation_takes_is_a_phase_of_its_own(results: dict[str, Any]) -> None:
    assert "validate" not in results["none"]["phases"]
    cost = results["epoch"]["phases"]["validate"]
    assert cost["seconds"] > 0 < cost["peak_memory_bytes"]


def test_a_trial_that_is_stopped_early_has_what_it_cost(world: World, tmp_path: Path) -> None:
    with pytest.raises(PefbenchError, match="stopped at step"):
        run.run(load_recipe(world.recipe("stopped")), tmp_path, scored=["validation"], watch=lambda _: True)
    [stored] = [*tmp_path.glob("stopped/*.json")]
    result = read_result(stored)
    assert result["status"] == "failed"
    assert result["phases"]["train"]["seconds"] > 0
    assert f"stopped at step {result['phases']['train']['steps']} of" in str(result["error"])
    assert result["phases"]["validate"]["seconds"] > 0


def test_the_last_evaluation_times_predicting_and_no_metric(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases, seen = Phases(), list[str]()

    def noting(*arguments: Any) -> dict[str, float]:
        seen.append(phases.open[-1].phase)
        return compute(*arguments)

    monkeypatch.setattr("pefbench.trial.validation.compute", noting)
    training(prepared(world), tmp_path, phases).run()
    assert set(seen) == {"validate", "score"}
    assert seen == sorted(seen, reverse=True)  # score is the last evaluation's


def test_a_run_that_goes_on_has_what_the_earlier_one_held(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def costs(peak: int) -> Any:
        monkeypatch.setattr(hardware, "peak_memory", lambda: peak)
        phases = Phases()
        for name in ("load", "tokenize", "evaluate"):
            with phases.measure(name):
                pass
        run = training(prepared(world), tmp_path, phases)
        with phases.measure("train"):
            progressed = run.run()
        return phases_of(phases.costs, progressed)

    whole, after = costs(900), costs(300)  # the second has nothing left to do
    assert after["train"] == whole["train"]
    assert after["validate"] == whole["validate"]
    assert after["train"]["peak_memory_bytes"] == after["validate"]["peak_memory_bytes"] == 900
    assert after["load"]["peak_memory_bytes"] == 300


def test_the_curve_holds_the_scores_and_ends_with_the_final_ones(results: dict[str, Any]) -> None:
    assert not [point for point in results["none"]["curve"] if "validation" in point]
    points = [point for point in results["epoch"]["curve"] if "validation" in point]
    assert [point["step"] for point in points] == [13, 26]
    final = {name: metric["value"] for name, metric in results["epoch"]["metrics"]["validation"].items()}
    assert points[-1]["validation"] == final
    assert points[0]["validation"] != final
    assert points[0]["loss_since_validation"] > points[1]["loss_since_validation"] > 0


def test_the_result_says_which_step_was_kept_and_its_scores_are_that_steps(results: dict[str, Any]) -> None:
    best = results["best"]
    found = {point["step"]: point["validation"]["entity_f1"] for point in best["curve"] if "validation" in point}
    assert [*found] == [*range(6, 49, 6), 52]
    kept = best["kept"]
    assert found[kept["step"]] == max(found.values()) == best["metrics"]["validation"]["entity_f1"]["value"]
    assert (kept["chosen"], kept["stopped"], kept["steps"], kept["planned"]) == ("best", "end", 52, 52)
    assert best["round_trip"]["reproduced"]
