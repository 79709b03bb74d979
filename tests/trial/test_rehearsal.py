"""Rehearsals: a batch before training measures memory and leaves the model unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from pefbench import hardware
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices, rehearsal
from pefbench.trial.foreseen import Passing, at_most
from pefbench.trial.largest import largest_part
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import Prepared, prepare

if TYPE_CHECKING:
    from tests.worlds import World

MIB = 2**20


def prepared(world: World, method: str = "lora", *changes: str) -> Prepared:
    recipe = load_recipe(world.recipe("rehearsed", method={"name": method}), ["train.precision=fp32", *changes])
    return prepare(recipe, Phases())


@pytest.mark.parametrize("method", ["lora", "full", "adalora", "bitfit", "bottleneck", "prefix", "prompt"])
def test_the_model_stays_as_it_was(world: World, method: str) -> None:
    ready = prepared(world, method)
    model, accelerator = build.with_method(ready, build.pretrained(ready)), devices.accelerator("fp32")
    before, attributes = {name: tensor.clone() for name, tensor in model.state_dict().items()}, {*vars(model)}
    training, forward = model.training, model.forward
    found = rehearsal.rehearse(ready, model, accelerator, by_example=True)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert all(weight.grad is None for weight in model.parameters())
    assert (model.training, accelerator._models) == (training, [])
    assert ({*vars(model)}, model.forward) == (attributes, forward)
    assert found.predicting.keys() == {"validate", "evaluate"}


def test_a_step_holds_at_its_peak_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of work that takes 3 MiB and 64 MiB an example; where a part of the batch fits, from two parts.

    The system counts resident pages to about a MiB.
    """

    def work(part: Any) -> None:
        taken.append(len(part))
        torch.ones((3 + 64 * len(part)) * MIB, dtype=torch.uint8)

    for room, sizes in ((8, [4, 8]), (5, [2, 5]), (0, [1, 2])):
        taken: list[int] = []
        monkeypatch.setattr(rehearsal, "room_for", lambda *_, room=room: room)
        found = rehearsal._measured(np.arange(8), 0, work)
        assert taken == sizes
        assert found.peak() == pytest.approx((3 + 64 * 8) * MIB, rel=0.05)
        assert found.peak(4) == pytest.approx((3 + 64 * 4) * MIB, rel=0.05)


def test_one_example_is_all_there_is() -> None:
    found = rehearsal._measured(np.arange(1), 0, lambda _: None)
    assert found == Passing(found.fixed, 0.0, 1)


def test_the_longest_example_is_in_every_part() -> None:
    for count in range(1, 11):
        part = rehearsal._spread_out(np.arange(10), count)
        assert part[0] == 0
        assert len(set(part.tolist())) == count


@pytest.mark.parametrize("method", ["lora", "full", "prefix", "prompt", "ia3", "mam"])
def test_the_bound_is_more_than_what_is_measured(world: World, method: str) -> None:
    """A batch large enough that what torch itself takes does not count."""
    ready = prepared(world, method, "train.batch_size=64")
    model, accelerator = build.with_method(ready, build.pretrained(ready)), devices.accelerator("fp32")
    largest, _ = largest_part(ready.encoded["train"], ready.recipe.train, 1)
    work = rehearsal._training_pass(ready, model, accelerator, largest, by_example=True)
    assert at_most(ready, model, largest) > work.peak() - 16 * MIB


def test_peaks_do_not_count_what_earlier_work_has_freed() -> None:
    """Chunks below the size that the C library maps apart stay in its heap when they are freed."""
    kept = [torch.ones(MIB // 16, dtype=torch.uint8) for _ in range(4096)]
    last = torch.ones(MIB // 16, dtype=torch.uint8)
    full = hardware.used_memory()
    del kept
    hardware.reset_peak()
    assert hardware.peak_memory() < full - 200 * MIB
    assert len(last)
