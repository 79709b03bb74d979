"""The description that a trial saves in its folder, and whether the saved model is still what the trial wrote."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from pefbench.errors import DataError
from pefbench.results.shape import mismatch
from pefbench.sources.transport.digests import digest_of
from pefbench.yaml_text import Values  # noqa: TC001 - the shape is read from the class

if TYPE_CHECKING:
    from pathlib import Path

TRIAL = "trial.json"
ABOUT = "pefbench.json"
"""TRIAL's counterpart in the model's own folder, without the digests of the files and without this machine's paths."""
MODEL = "model"
MOST_THREADS = 2**12
WARM = "warm-started:"


class SavedHead(TypedDict):
    """What is needed to make the head again without data: see `heads.settled`."""

    kind: str  # the module in heads/
    values: Values


class SavedBase(TypedDict):
    """The weights that a saved model was trained on."""

    source: str  # model.name of the recipe
    fingerprint: str  # of its weights, including adapters under the method


class SavedTrial(TypedDict):
    """The content of TRIAL: everything that a fresh process needs to predict again."""

    recipe: Values  # resolved; `load_resolved` checks it
    fingerprint: str  # of the data
    threads: int
    labels: NotRequired[list[str]]  # of the head, in the order of its outputs
    task_type: NotRequired[str]  # the head's name in PEFT
    head: NotRequired[SavedHead]  # older trials leave it out
    base: NotRequired[SavedBase]  # likewise
    thresholds: NotRequired[dict[str, float]]  # `Head.thresholds`, if any
    fast_paths: NotRequired[list[str]]  # as in the result; older trials did not fit batches
    files: NotRequired[dict[str, str]]  # name of a file of the saved model -> sha256; older trials leave it out


def read_trial(folder: Path) -> SavedTrial:
    """Read TRIAL, or ABOUT if there is only a model's folder. Raises DataError if it is missing or damaged."""
    file = folder / (TRIAL if (folder / TRIAL).exists() else ABOUT)
    try:
        value = json.loads(file.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        raise DataError(
            f"{folder}: not a trial's folder, such as results/RECIPE/ID: it has no readable {TRIAL}"
        ) from None
    if problem := mismatch(SavedTrial, value):
        raise DataError(f"{file}: damaged: {problem.removeprefix('.').strip()}")
    trial = cast("SavedTrial", value)
    if not 1 <= trial["threads"] <= MOST_THREADS:
        raise DataError(f"{file}: damaged: threads should be from 1 to {MOST_THREADS}, is {trial['threads']}")
    return trial


def base_name(source: str) -> str:
    """The name of a base in an adapter's config: a name on the hub, a folder's own name, or an address in a wheel."""
    if source.startswith(WARM):
        return WARM + base_name(source.removeprefix(WARM))
    kind, _, rest = source.partition(":")
    return {"hf": rest, "file": PurePath(rest).name}.get(kind, source)


def check_model(folder: Path, trial: SavedTrial) -> None:
    """Raise DataError if the files of a saved model are not those that the trial wrote."""
    if "files" not in trial:
        return
    try:
        found = digests(folder / MODEL)
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from None
    for name, digest in trial["files"].items():
        if found.get(name) != digest:
            how = "has changed since the trial saved it" if name in found else "is missing"
            raise DataError(f"{folder / MODEL / name}: damaged: the file {how}")


def digests(model: Path) -> dict[str, str]:
    """The sha256 of each file of a saved model, by name."""
    files = sorted(path for path in model.rglob("*") if path.is_file())
    return {file.relative_to(model).as_posix(): digest_of(file) for file in files}
