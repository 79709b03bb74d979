"""The peak of memory is foreseen from passes over a few examples, which leave the model as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from pefbench.models import allocations
from pefbench.models.cpu_kernels import fast_on_cpu
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices, foreseen
from pefbench.trial.foreseen import Foreseen, Passing, Size
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import Prepared, prepare
from pefbench.trial.run import dry_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

MIB = 2**20


def prepared(world: World, method: str = "lora", *changes: str) -> Prepared:
    recipe = load_recipe(world.recipe("foreseen", method={"name": method}), ["train.precision=fp32", *changes])
    return prepare(recipe, Phases())


def test_allocations_are_seen_as_they_come_and_go() -> None:
    def work() -> None:
        first = torch.ones(MIB, dtype=torch.uint8)
        second = torch.ones(2 * MIB, dtype=torch.uint8)
        del first
        third = torch.ones(MIB, dtype=torch.uint8)
        del second, third

    assert [size // MIB for size in allocations.held(work)] == [1, 3, 2, 3, 1, 0]


@pytest.mark.parametrize("method", ["lora", "full", "prefix"])
def test_a_large_batch_is_foreseen_from_small_ones(world: World, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = prepared(world, method, "train.batch_size=24")
    model, accelerator = build.with_method(ready, build.pretrained(ready)), devices.accelerator("fp32")
    works: list[Any] = []
    passing = foreseen._passing

    def keep(encoded: Any, largest: Any, work: Any) -> Passing:
        works.append((largest, work))
        return passing(encoded, largest, work)

    monkeypatch.setattr(foreseen, "_passing", keep)
    found = foreseen.foresee(ready, model, accelerator, by_example=False)
    largest, work = works[0]
    assert len(largest) == found.examples == 24
    model.train()
    with fast_on_cpu():  # as training does
        truth = int(allocations.held(lambda: work(largest)).max())
    assert found.training.peak() == pytest.approx(truth, rel=0.02)
    assert found.training.peak(0.5) < 0.7 * truth or method == "full"


@pytest.mark.parametrize("method", ["lora", "full", "adalora", "bitfit", "bottleneck", "prefix", "vera"])
def test_the_model_stays_as_it_was(world: World, method: str) -> None:
    ready = prepared(world, method)
    model = build.with_method(ready, build.pretrained(ready))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    training = model.training
    foreseen.foresee(ready, model, devices.accelerator("fp32"), by_example=True)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert all(weight.grad is None for weight in model.parameters())
    assert model.training is training


def test_what_a_row_and_a_target_add() -> None:
    def curve(size: Size) -> np.ndarray[Any, Any]:
        return np.asarray([10 + 3 * size.rows, 5 * size.rows + 7 * size.targets, 100])

    sizes = [Size(2, 9), Size(3, 11), Size(2, 6)]
    passing = Passing(foreseen._solve([curve(size) for size in sizes], sizes), Size(32, 90))
    assert passing.peak() == max(curve(Size(32, 90)))
    assert passing.peak(0.001) == 100
    alike = [Size(2, 4), Size(3, 6), Size(2, 4)]
    passing = Passing(foreseen._solve([curve(size) for size in alike], alike), Size(32, 64))
    assert passing.peak() == max(curve(Size(32, 64)))
    ragged = [np.asarray([1, 20]), np.asarray([30]), np.asarray([5, 20, 1])]
    assert Passing(foreseen._solve(ragged, alike), Size(5, 10)).peak() == 50
    assert Passing(foreseen._solve([np.asarray([1, 20])], [Size(1, 1)]), Size(1, 1)).peak() == 20


def expected(available: int, row: int = 100 * MIB) -> Foreseen:
    passing = Passing(np.asarray([[0.0, row, 0.0]]), Size(32, 0))
    return Foreseen(1000 * MIB, 10 * MIB, 5 * MIB, available, passing, None, examples=32)


def test_a_batch_that_will_not_fit_names_the_one_that_will(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreseen, "KEPT_BACK", 0)
    assert expected(3210 * MIB).doubts() == []
    assert expected(3210 * MIB).peaks() == {"train": 4210 * MIB}
    (said,) = expected(1025 * MIB).doubts()
    assert "expected to take 4.1 GiB of memory at its peak, and 2.0 GiB can be had" in said
    assert "set train.micro_batch_size=10," in said, "10 rows, what is held, the states and the summed gradients"
    (said,) = expected(50 * MIB).doubts()
    assert "one example at a time still takes 1.1 GiB" in said


def test_short_training_is_simply_begun(world: World) -> None:
    ready = prepared(world)
    assert not foreseen.is_cheap(ready)
    longer = ready.recipe.train.model_copy(update={"epochs": 1000})
    assert foreseen.is_cheap(replace(ready, recipe=ready.recipe.model_copy(update={"train": longer})))


def test_check_only_tells_the_peaks(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry_run(load_recipe(world.recipe("told")), tmp_path)
    said = capsys.readouterr()
    (line,) = [line for line in (said.out + said.err).splitlines() if line.startswith("peak memory: ")]
    assert all(part in line for part in ("load ", "train ", "evaluate ", "can be had"))
