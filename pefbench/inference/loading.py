"""Load a saved trial from its result, its folder, or only its model's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pefbench.errors import DataError, RecipeError
from pefbench.heads.settled import without_examples
from pefbench.inference import kind as kinds
from pefbench.inference.model import Model
from pefbench.models.patches import notices
from pefbench.recipe import load_resolved
from pefbench.trial import build, portable, starting
from pefbench.trial.cache import Shared
from pefbench.trial.machine import not_here
from pefbench.trial.prepare import ready
from pefbench.trial.saved import ABOUT, MODEL, TRIAL, check_model, read_trial

if TYPE_CHECKING:
    from pefbench.heads import Head
    from pefbench.inference.kind import Kind
    from pefbench.recipe import Recipe
    from pefbench.trial.prepare import Ready
    from pefbench.trial.saved import SavedTrial

ADDRESSES = ("hf:", "file:", "wheel:", "warm-started:")


class Opened(NamedTuple):
    """A saved trial without its weights, which are in the folder `weights`."""

    ready: Ready
    head: Head
    kind: Kind
    weights: Path


def load(trial: Path, base: str | None = None) -> Model:
    """The model of a trial, ready to answer; see `pefbench.load`."""
    folder = find(trial)
    with notices.while_loading():
        found = opened(folder, base, Shared())
        return Model(found.ready, found.head, found.kind, build.saved(found.ready, found.weights))


def opened(trial: Path, base: str | None, shared: Shared) -> Opened:
    """Read and check everything of a trial except its weights. shared: what trials on the same base have read already.

    Raises a UserError as `load` does.
    """
    folder = find(trial)
    saved = read_trial(folder)
    if (folder / TRIAL).exists():
        check_model(folder, saved)
    weights = folder / MODEL if (folder / TRIAL).exists() else folder
    if "head" not in saved:
        raise DataError(f"{folder}: saved by an older pefbench, without its head; run the trial again")
    kind = kinds.find(saved["head"]["kind"])
    recipe = recipe_of(folder, saved, base)
    try:
        dataset = without_examples(**saved["head"])
        found = ready(recipe, dataset, shared, weights)
        head = found.head.with_thresholds(saved.get("thresholds", {}))
    except (TypeError, KeyError) as error:
        raise DataError(f"{folder}: damaged: its head cannot be built: {error}") from None
    portable.check_base(found, saved, shared)
    return Opened(found, head, kind, weights)


def find(trial: Path) -> Path:
    """The folder that describes a trial. Raises DataError if there is none or the trial failed."""
    if trial.name in (TRIAL, ABOUT):
        trial = trial.parent
    folder = trial.with_suffix("") if trial.suffix == ".json" else trial
    if folder.resolve().name == MODEL and (whole := folder.resolve().parent / TRIAL).is_file():
        return whole.parent  # the model's folder, in its original place
    if (folder / TRIAL).is_file() or (folder / ABOUT).is_file():
        return folder
    if (result := beside(folder)).is_file():
        _refuse_unsaved(result)
    raise DataError(
        f"{trial}: no such trial; give its folder results/RECIPE/ID, its result ID.json, or its model folder"
    )


def beside(folder: Path) -> Path:
    """The result file of a trial's folder, which may be given as "." or ".."."""
    whole = folder if folder.name.strip(".") else folder.resolve()
    return whole.parent / f"{whole.name}.json"


def _refuse_unsaved(result: Path) -> None:
    """Raise DataError for a result without a saved model, with the reason."""
    from pefbench.results.store import read_result

    found = read_result(result)
    if found["status"] != "finished":
        raise DataError(f"{result}: the trial failed, so it has no model: {found['error']}")
    raise DataError(f"{result}: the trial's folder is not beside its result; copy it there, or run the trial again")


def recipe_of(folder: Path, saved: SavedTrial, base: str | None) -> Recipe:
    """The recipe of a trial, with its model at `base` if given; a whole model is its own if its base is gone.

    Raises DataError if it is damaged.
    """
    values, whole = saved["recipe"], folder / MODEL if (folder / TRIAL).exists() else folder
    if base is None and starting.stands_alone(whole, saved):
        base = str(whole)
    if base is not None:
        address = base if base.startswith(ADDRESSES) else f"file:{Path(base).expanduser()}"
        values = {**values, "model": {**values.get("model", {}), "name": address}}
    try:
        recipe = load_resolved(values)
    except RecipeError as error:
        raise DataError(f"{folder}: damaged: recipe: {error}") from None
    if (path := not_here(recipe.model.name)) and not (folder / TRIAL).exists():
        raise DataError(f"{folder}: its base model {path!r} was not found; give its folder: base= in Python, or --base")
    return recipe
