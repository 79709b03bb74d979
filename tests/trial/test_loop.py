"""The training loop: exact means, resumable at any step, and an error if the loss diverges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from pefbench.errors import DivergedError
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices
from pefbench.trial.loop import Training
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import Prepared, prepare
from pefbench.trial.schedule import learning_rate
from pefbench.trial.stepping import Stepper

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World


def prepared(world: World, **changes: Any) -> Prepared:
    return prepare(load_recipe(world.recipe("training", **changes)), Phases())


def training(ready: Prepared, folder: Path, *, dropout_by_example: bool = False, **checkpoint_key: Any) -> Training:
    model, accelerator = build.with_method(ready, build.pretrained(ready)), devices.accelerator("fp32")
    return Training(
        Stepper(model, ready, accelerator, dropout_by_example=dropout_by_example),
        checkpoint=folder / "checkpoint.pt",
        checkpoint_key={"id": "test", **checkpoint_key},
    )


def losses(run: Training) -> list[float]:
    return [point["loss"] for point in run.at.curve]


def weights(run: Training) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in run.stepper.trainable]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("cosine", [0.5, 1.0] + [0.5 * (1 + np.cos(np.pi * i / 8)) for i in range(8)]),
        ("constant", [0.5] + [1.0] * 9),
    ],
)
def test_learning_rates(world: World, schedule: str, expected: list[float]) -> None:
    settings = load_recipe(world.recipe("rates", train__schedule=schedule), ["train.warmup=0.2"]).train
    rates = [learning_rate(settings, step, 10) / settings.learning_rate for step in range(10)]
    assert rates == pytest.approx(expected)


def test_training_learns(world: World, tmp_path: Path) -> None:
    run = training(prepared(world, train__epochs=4), tmp_path)
    run.run()
    assert np.mean(losses(run)[-3:]) < 0.5 * np.mean(losses(run)[:3])
    assert run.at.step == run.total == len(losses(run))
    assert run.at.padded >= run.at.tokens > 0
    assert run.at.tokens == 4 * int(run.stepper.encoded.lengths.sum())


@pytest.mark.parametrize("by_example", [True, False])
def test_recomputing_activations_changes_nothing(world: World, tmp_path: Path, by_example: bool) -> None:
    kept, again = (
        training(
            prepared(world, train__recompute=on, train__epochs=0.5), tmp_path / str(on), dropout_by_example=by_example
        )
        for on in (False, True)
    )
    for run in (kept, again):
        torch.manual_seed(0)
        run.run()
    assert losses(again) == losses(kept)
    assert all(map(torch.equal, weights(again), weights(kept)))


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_micro_batches_change_nothing_but_memory(world: World, tmp_path: Path, dropout: float) -> None:
    runs = []
    for size in (None, 5, 1):
        base = {"name": f"file:{world.model}", "dropout": dropout}
        ready = prepared(world, train__micro_batch_size=size, train__epochs=0.4, model=base)
        run = training(ready, tmp_path / str(size), dropout_by_example=True)
        run.run()
        runs.append(run)
    for run in runs[1:]:
        assert losses(run) == pytest.approx(losses(runs[0]), rel=1e-4)
        assert run.at.tokens == runs[0].at.tokens
        assert run.at.padded <= runs[0].at.padded


def test_frozen_weights_stay_what_they_were(world: World, tmp_path: Path) -> None:
    run = training(prepared(world), tmp_path)
    frozen = {name: weight.clone() for name, weight in run.model.named_parameters() if not weight.requires_grad}
    before = weights(run)
    run.run()
    assert all(torch.equal(weight, frozen[name]) for name, weight in run.model.named_parameters() if name in frozen)
    assert not any(torch.equal(old, new) for old, new in zip(before, weights(run), strict=True))


@pytest.mark.parametrize(("stop", "by_example"), [(1, False), (7, True), (10, False), (23, True)])
def test_a_stopped_run_goes_on_bit_for_bit(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, *, by_example: bool
) -> None:
    ready = prepared(world, train__checkpoint_steps=5)
    whole = training(ready, tmp_path / "whole", dropout_by_example=by_example)
    whole.run()

    stopped = training(ready, tmp_path / "stopped", dropout_by_example=by_example)
    step = stopped._step

    def dies(batch: Any) -> None:
        if stopped.at.step == stop:
            raise KeyboardInterrupt
        step(batch)

    monkeypatch.setattr(stopped, "_step", dies)
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    torch.manual_seed(99)  # a new process has other random states
    again = training(ready, tmp_path / "stopped", dropout_by_example=by_example)
    again.run()
    assert again.at.curve == whole.at.curve
    assert all(torch.equal(a, b) for a, b in zip(weights(again), weights(whole), strict=True))


def test_a_checkpoint_of_other_code_is_not_gone_on_with(world: World, tmp_path: Path) -> None:
    ready = prepared(world)
    training(ready, tmp_path, commit="a").run()
    again = training(ready, tmp_path, commit="b")
    again._restore()
    assert again.at.step == 0


def test_a_loss_that_is_not_finite_ends_the_run_at_its_step(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training(prepared(world), tmp_path)
    whole = run.stepper.head.loss_sum
    calls = iter(range(1000))
    monkeypatch.setattr(
        run.stepper.head,
        "loss_sum",
        lambda model, batch: whole(model, batch) * (float("nan") if next(calls) == 8 else 1),
    )
    with pytest.raises(DivergedError, match=r"not finite at step 9 of 26 .*try a lower learning rate"):
        run.run()
    assert not (tmp_path / "checkpoint.pt").exists()
