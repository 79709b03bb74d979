"""The expected peak memory: by phase, with a micro-batch size that fits, and when it is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import hardware
from pefbench.recipe import load_recipe
from pefbench.trial import build, foreseen
from pefbench.trial.foreseen import Foreseen, Passing
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from pefbench.trial.run import dry_run, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.worlds import World

MIB = 2**20


def expected(available: int) -> Foreseen:
    return Foreseen(
        1000 * MIB,
        10 * MIB,
        5 * MIB,
        available,
        Passing(0, 100 * MIB, 32),
        {"evaluate": Passing(40 * MIB, 10 * MIB, 4)},
    )


def test_a_batch_that_will_not_fit_names_the_one_that_will() -> None:
    assert expected(3210 * MIB).doubts() == []
    assert expected(3210 * MIB).peaks() == {"train": 4210 * MIB, "evaluate": 1090 * MIB}
    (said,) = expected(1025 * MIB).doubts()
    assert "expected to need 4.4 GB of memory at its peak, but 2.1 GB is available" in said
    assert "set train.micro_batch_size=10," in said, "10 rows, what is held, the states and the summed gradients"
    (said,) = expected(50 * MIB).doubts()
    assert "even one example at a time needs 1.2 GB" in said
    told = expected(3210 * MIB).told(600 * MIB)
    assert told == "peak memory: load 629 MB, train 4.4 GB, evaluate 1.1 GB; 4.4 GB available"


def test_a_run_looks_closer_only_where_it_may_not_fit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = prepare(load_recipe(world.recipe("near")), Phases())
    model = build.with_method(ready, build.pretrained(ready))
    assert not foreseen.may_not_fit(ready, model, 1)
    monkeypatch.setattr(hardware, "available_memory", lambda: MIB)
    assert foreseen.may_not_fit(ready, model, 1)
    assert foreseen.room_for(4 * MIB, 32) == 8


def test_a_run_that_will_not_fit_is_warned_of_before_it_trains(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hardware, "available_memory", lambda: -hardware.used_memory())
    run(load_recipe(world.recipe("small", train__epochs=1)), tmp_path)
    said = capsys.readouterr()
    assert "training is expected to need" in said.out + said.err


def test_check_only_tells_the_peaks(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry_run(load_recipe(world.recipe("told")), tmp_path)
    said = capsys.readouterr()
    (line,) = [line for line in (said.out + said.err).splitlines() if line.startswith("peak memory: ")]
    assert all(part in line for part in ("load ", "train ", "validate ", "evaluate ", " available"))
