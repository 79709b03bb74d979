"""Trackers: TensorBoard's curve is the result's, also for a killed run; ids and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pefbench.errors import RecipeError
from pefbench.recipe import load_recipe
from pefbench.results import store
from pefbench.trial import checkpoints, loop, run, tracking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.results.schema import CurvePoint, Result
    from tests.worlds import World


class KilledError(Exception):
    """Stands for a signal that nothing catches."""


def trial(world: World, out: Path, **changes: Any) -> Path:
    changes = {"train__track": ["tensorboard"], "train__checkpoint_steps": 7, "train__max_examples": 160} | changes
    return run.run(load_recipe(world.recipe("tracked", **changes)), out)


def read_back(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Return every series that TensorBoard wrote for a trial: (step, value)."""
    events = EventAccumulator(str(path.parent / "tensorboard" / path.stem), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def series(curve: list[CurvePoint]) -> dict[str, list[tuple[int, float]]]:
    """Return what the curve of a result should look like there, in TensorBoard's fp32."""
    found: dict[str, list[tuple[int, float]]] = {}
    for point in curve:
        values: Mapping[str, Any] = {key: point[key] for key in ("loss", "learning_rate", "epoch")}
        values = {**values, **{f"validation/{name}": value for name, value in point.get("validation", {}).items()}}
        for name, value in values.items():
            found.setdefault(name, []).append((point["step"], float(np.float32(value))))
    return found


@pytest.fixture(scope="module")
def tracked(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    path = trial(world, tmp_path_factory.mktemp("tracked"))
    return path, store.read_result(path)


def test_what_was_written_is_the_curve(tracked: tuple[Path, Result]) -> None:
    path, result = tracked
    written = read_back(path)
    assert written == series(result["curve"])
    assert {"loss", "learning_rate", "epoch", "validation/entity_f1"} <= written.keys()


def killed(world: World, out: Path, monkeypatch: pytest.MonkeyPatch, *, at: int, **changes: Any) -> None:
    """Train until a signal, so to speak, comes at a step: points up to it are written, and a checkpoint of 7."""
    step = loop.Training._step

    def dying(self: loop.Training, batch: Any) -> None:
        if self.at.step == at:
            raise KilledError
        step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Training, "_step", dying)
        with pytest.raises(KilledError):
            trial(world, out, **changes)


def test_a_killed_run_goes_on_without_loss_or_repeat(
    world: World, tracked: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(world, tmp_path, monkeypatch, at=11)
    [folder] = (tmp_path / "tracked" / "tensorboard").iterdir()
    assert [step for step, _ in read_back(folder.parents[1] / f"{folder.name}.json")["loss"]][-1] == 11
    path = trial(world, tmp_path)
    result = store.read_result(path)
    assert read_back(path) == series(result["curve"])
    assert [point["loss"] for point in result["curve"]] == [point["loss"] for point in tracked[1]["curve"]]


def test_a_run_that_only_had_to_finish_has_its_points(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = checkpoints.write

    def dying(to: Path, state: checkpoints.State) -> None:
        write(to, state)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write", dying)
        with pytest.raises(KilledError):
            trial(world, tmp_path, train__checkpoint_steps=1000)
    path = trial(world, tmp_path, train__checkpoint_steps=1000)
    assert read_back(path) == series(store.read_result(path)["curve"])


def test_tracking_changes_no_id(world: World, tracked: tuple[Path, Result], tmp_path: Path) -> None:
    path = trial(world, tmp_path, train__track=[])
    assert path.name == tracked[0].name
    assert not (path.parent / "tensorboard").exists()
    assert "track" not in store.read_result(path)["recipe"]["train"]


def test_a_tracker_that_is_not_installed_is_refused(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tracking.NEEDED, "wandb", ("a_tracker_that_nobody_has",))
    needs = (
        r"train\.track: wandb needs a_tracker_that_nobody_has, which is not installed; pip install 'pefbench\[track\]'"
    )
    with pytest.raises(RecipeError, match=needs):
        trial(world, tmp_path, train__track=["wandb"])
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mlflow's, of SQLAlchemy
@pytest.mark.parametrize("resumed", [False, True])
def test_mlflow_holds_the_curve(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, resumed: bool
) -> None:
    """With its real library, which `pip install 'pefbench[track]'` has, as `make install` has not."""
    mlflow = pytest.importorskip("mlflow")
    if resumed:
        killed(world, tmp_path, monkeypatch, at=11, train__track=["mlflow"])
    path = trial(world, tmp_path, train__track=["mlflow"])
    client = mlflow.MlflowClient(f"sqlite:///{path.parent / 'mlflow.db'}")
    [found] = client.search_runs([client.get_experiment_by_name(path.parent.name).experiment_id])
    written = {name: client.get_metric_history(found.info.run_id, name) for name in found.data.metrics}
    assert found.info.run_name == path.stem
    assert {
        name: [(each.step, float(np.float32(each.value))) for each in values] for name, values in written.items()
    } == series(store.read_result(path)["curve"])


def test_settings_are_flat() -> None:
    assert tracking._settings({"a": {"b": 1, "c": [1, 2]}, "d": None, "e": "x" * 300, "f": {}}) == {
        "a.b": 1,
        "a.c": "[1, 2]",
        "d": "null",
        "e": "x" * 250,
        "f": "{}",
    }
