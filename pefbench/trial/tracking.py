"""Trackers: log a trial's curve to TensorBoard, MLflow, trackio or Weights & Biases, through accelerate.

All write to this machine unless their own environment variables (MLFLOW_TRACKING_URI, WANDB_MODE) say otherwise. A
trial has one run, named by its id. A resumed trial replaces its run and begins with the checkpoint's points, so that
none is lost or duplicated, whenever it was killed.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from accelerate.tracking import GeneralTracker

    from pefbench.recipe import Recipe
    from pefbench.results.schema import CurvePoint

NEEDED = {
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow", "sqlalchemy"),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""The modules that each tracker needs."""
LONGEST = 250
"""The maximum length of a setting in characters; all trackers accept this."""
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""Environment variables that disable telemetry."""


_own_addresses: set[str] = set()
"""The values of MLFLOW_TRACKING_URI set by this process: MLflow sets it, and the next trial may use another folder."""


@dataclass(frozen=True)
class Run:
    """A trial's names for trackers: the folder of its recipe's results, that folder's name, and the trial's id."""

    folder: Path
    project: str
    name: str


class Tracking:
    """The trackers of a running trial."""

    def __init__(self, trackers: Sequence[GeneralTracker]) -> None:
        self.trackers, self.told = trackers, 0

    def follow(self, curve: Sequence[CurvePoint]) -> None:
        """Log the new points of the curve."""
        for point in curve[self.told :]:
            for tracker in self.trackers:
                tracker.log(_values(point), step=point["step"])
        self.told = len(curve)


def check_installed(names: Sequence[str]) -> None:
    """Raise RecipeError for a tracker whose library is not installed."""
    for name in names:
        missing = [module for module in NEEDED[name] if find_spec(module) is None]
        if missing:
            raise RecipeError(
                f"train.track: {name} needs {missing[0]}, which is not installed; pip install 'pefbench[track]'"
            )


@contextmanager
def tracking(recipe: Recipe, result: Path, *, enabled: bool) -> Iterator[Tracking]:
    """The recipe's trackers, open inside the block. result: the trial's path. enabled: only on the main process."""
    if not (enabled and recipe.train.track):
        yield Tracking([])
        return
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    run = Run(result.parent, recipe.name, result.stem)
    run.folder.mkdir(parents=True, exist_ok=True)
    opened: list[GeneralTracker] = []
    try:
        for name in recipe.train.track:
            tracker = MAKERS[name](run)
            tracker.start()
            opened.append(tracker)
            tracker.store_init_configuration(_settings(recipe.resolved()))
        yield Tracking(opened)
    finally:
        for tracker in opened:
            tracker.finish()


def _values(point: CurvePoint) -> dict[str, float]:
    """A point's values with the names that trackers show; validation scores are a separate group."""
    scores = {f"validation/{name}": value for name, value in point.get("validation", {}).items()}
    own = {"loss": point["loss"], "learning_rate": point["learning_rate"], "epoch": point["epoch"]}
    return own | scores


def _settings(values: Mapping[str, Any], prefix: str = "") -> dict[str, str | int | float | bool]:
    """A resolved recipe as flat settings, named by their paths."""
    flat: dict[str, str | int | float | bool] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _settings(value, f"{prefix}{name}.")
        else:
            simple = isinstance(value, str | int | float)
            flat[prefix + name] = value if simple and not isinstance(value, str) else _shown(value)
    return flat


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:LONGEST]


def _tensorboard(run: Run) -> GeneralTracker:
    """Event files in `tensorboard/<id>` beside the result."""
    from accelerate.tracking import TensorBoardTracker

    folder = run.folder / "tensorboard"
    shutil.rmtree(folder / run.name, ignore_errors=True)
    return TensorBoardTracker(run.name, folder)


def _mlflow(run: Run) -> GeneralTracker:
    """A run in `mlflow.db` beside the results, or on the server that MLFLOW_TRACKING_URI names."""
    import mlflow
    from accelerate.tracking import MLflowTracker

    if os.environ.get("MLFLOW_TRACKING_URI") in {None, *_own_addresses}:
        address = f"sqlite:///{(run.folder / 'mlflow.db').resolve()}"
        _own_addresses.add(address)
        mlflow.set_tracking_uri(address)
    for earlier in mlflow.search_runs(
        experiment_names=[run.project], filter_string=f"attributes.run_name = '{run.name}'", output_format="list"
    ):
        mlflow.delete_run(earlier.info.run_id)
    artifacts = (run.folder / "mlflow").resolve().as_uri()
    return MLflowTracker(run.project, logging_dir=artifacts, run_name=run.name)


def _trackio(run: Run) -> GeneralTracker:
    """A run in trackio's default folder, where `trackio show` finds it."""
    import trackio
    from accelerate.tracking import TrackioTracker

    with suppress(ValueError):  # a project that is not there yet
        for earlier in [*trackio.Api().runs(run.project)]:
            if earlier.name == run.name:
                earlier.delete()
    return TrackioTracker(run.project, name=run.name, embed=False)


def _wandb(run: Run) -> GeneralTracker:
    """An offline run in `wandb/<id>` beside the result, which `wandb sync` uploads; or as WANDB_MODE says."""
    from accelerate.tracking import WandBTracker

    folder = run.folder / "wandb" / run.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mode = os.environ.get("WANDB_MODE", "offline")
    resume = {} if mode == "offline" else {"resume": "allow"}
    return WandBTracker(run.project, name=run.name, id=run.name, dir=str(folder), mode=mode, **resume)


MAKERS = {"tensorboard": _tensorboard, "mlflow": _mlflow, "trackio": _trackio, "wandb": _wandb}
"""The trackers by name; each creates its run from scratch."""
