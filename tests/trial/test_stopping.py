"""Stopping a trial: it writes a checkpoint at the next step, and the same command ends with the same result."""

from __future__ import annotations

import os
import signal
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from pefbench import launched
from pefbench.errors import PreemptedError
from pefbench.recipe import load_recipe
from pefbench.results import provenance
from pefbench.results.store import read_result
from pefbench.trial import run, stopping
from pefbench.trial.loop import Training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pefbench.recipe import Recipe
    from pefbench.results.schema import Result
    from tests.worlds import World

STEP = 5
"""Between two points of the curve."""


@pytest.fixture(autouse=True)
def _not_told() -> Iterator[None]:
    yield
    stopping._told.clear()


@pytest.fixture(scope="module")
def unstopped(world: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], tuple[Recipe, Result]]:
    """A function that gives a recipe of so many epochs, and its result when nothing stopped it."""

    @cache
    def trial(name: str, epochs: int) -> tuple[Recipe, Result]:
        recipe = load_recipe(world.recipe(name, train__epochs=epochs))
        return recipe, read_result(run.run(recipe, tmp_path_factory.mktemp("whole"), scored=("validation",)))

    return trial


@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_a_trial_that_was_told_to_stop_goes_on_bit_for_bit(
    number: signal.Signals,
    unstopped: Callable[[str, int], tuple[Recipe, Result]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, whole = unstopped("stopped", 6)
    step = Training._step

    def told(self: Any, batch: Any) -> None:
        if self.at.step == STEP:
            signal.raise_signal(number)
        step(self, batch)

    first, second = "2026-01-02T03:04:05+00:00", "2026-01-03T03:04:05+00:00"
    with monkeypatch.context() as patch:
        patch.setattr(Training, "_step", told)
        patch.setattr(provenance, "now", lambda: first)
        with pytest.raises(PreemptedError, match=rf"^stopped at step {STEP + 1} of \d+; the same command goes on$"):
            run.run(recipe, tmp_path / "stopped", scored=("validation",))
    assert not [*tmp_path.glob("stopped/*/*.json")], "no failure is written"
    assert [*tmp_path.glob("stopped/*/*/checkpoint.pt")]
    assert not [*tmp_path.glob("stopped/*/*.lease")]
    stopping._told.clear()
    monkeypatch.setattr(provenance, "now", lambda: second)
    again = read_result(run.run(recipe, tmp_path / "stopped", scored=("validation",)))
    assert again["curve"] == whole["curve"]
    assert again["metrics"] == whole["metrics"]
    assert (again["provenance"]["started"], again["provenance"]["resumed"]) == (first, [second])
    assert "resumed" not in whole["provenance"]
    assert signal.getsignal(number) == signal.SIG_DFL


@pytest.mark.parametrize("epoch", [1, 2])
def test_an_evaluation_that_was_due_when_a_trial_was_told_to_stop_is_made_up_for(
    epoch: int,
    unstopped: Callable[[str, int], tuple[Recipe, Result]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, whole = unstopped("stopped_at_epoch", 2)
    step = Training._step

    def told(self: Any, batch: Any) -> None:
        step(self, batch)
        if self.at.step == epoch * self.steps_an_epoch - 1:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_step", told)
        with pytest.raises(PreemptedError):
            run.run(recipe, tmp_path / "stopped", scored=("validation",))
    stopping._told.clear()
    again = read_result(run.run(recipe, tmp_path / "stopped", scored=("validation",)))
    assert again["curve"] == whole["curve"]
    assert again["metrics"] == whole["metrics"]


def test_a_trial_that_lost_its_launcher_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not stopping.told()
    monkeypatch.setattr(launched, "launcher", os.getpid)
    assert stopping.told()
    monkeypatch.setattr(launched, "launcher", os.getppid)
    assert not stopping.told()


def test_a_trial_in_another_thread_is_not_in_the_way_of_signals() -> None:
    found: list[Any] = []

    def listen() -> None:
        with stopping.listening(), stopping.ignoring():
            found.append(signal.getsignal(signal.SIGUSR2))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]
    with stopping.ignoring():
        assert signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN
