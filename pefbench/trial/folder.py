"""Where a trial lies: its result, and beside it a folder with checkpoint, trained model and predictions."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from pefbench import atomic
from pefbench.errors import DataError
from pefbench.results import predictions, store
from pefbench.trial.saved import MODEL, TRIAL, digests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.recipe import Recipe
    from pefbench.results.schema import Artifacts
    from pefbench.sections import Keep
    from pefbench.trial.dropout import Drawn
    from pefbench.trial.prepare import Prepared
    from pefbench.trial.saved import SavedTrial

EVALUATED = ("validation", "test")
CHECKPOINT = "checkpoint.pt"
PREDICTIONS = "predictions.jsonl"
FAILED = "failed"
"""An empty file: some process of the trial has failed, and writes the result."""
SHOWN_PROMPT = 500
"""Characters of a prompt that stand beside its prediction."""


def result_path(
    recipe: Recipe,
    fingerprint: str,
    out: Path,
    scored: Sequence[str] = EVALUATED,
    *,
    dropout: Drawn,
    processes: int = 1,
) -> Path:
    """Where the result of a recipe, its precision resolved, on data of this fingerprint lies.

    processes: how many train together, which is another trial where each draws a dropout of its own.
    """
    content = recipe.resolved()
    if dropout == "by example and step":
        content["dropout"] = dropout
    if dropout == "by process" and processes > 1:
        content["processes"] = processes
    if tuple(scored) != EVALUATED:  # the same training, but not the same result
        content["scored"] = list(scored)
    return out / recipe.name / f"{store.trial_id(content, fingerprint)}.json"


class TrialFolder:
    """The folder `<id>/` beside the result `<id>.json`; a trial that runs again has `<id>.rerun/` until it finishes."""

    def __init__(self, result: Path) -> None:
        self.result = result
        self.path = result.with_suffix("")
        self.replaces: Path | None = None

    @property
    def checkpoint(self) -> Path:
        """Where training goes on from."""
        return self.path / CHECKPOINT

    @property
    def model(self) -> Path:
        """Where the trained model is saved."""
        return self.path / MODEL

    @property
    def artifacts(self) -> Artifacts:
        """What the result says of the folder."""
        return {"folder": f"{self.result.stem}/{MODEL}", "predictions": f"{self.result.stem}/{PREDICTIONS}"}

    def begin_again(self) -> None:
        """Leave a finished trial where it is, until this one has finished too."""
        self.replaces, self.path = self.path, self.result.with_suffix(".rerun")

    def make_room(self, trained_weights: int, keep: Keep) -> None:
        """Check that all will fit, and clear away what a failed or killed trial left. Raises OutputError."""
        held = self.checkpoint.stat().st_size if self.checkpoint.exists() else 0
        atomic.clear_abandoned(self.path)
        store.check_writable(self.path, needed_bytes=max(0, needed_bytes(trained_weights, keep) - held))
        (self.path / FAILED).unlink(missing_ok=True)

    def claim_failure(self) -> bool:
        """Whether this process failed first, and is to write the result: the others fail only because of it."""
        try:
            (self.path / FAILED).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def clear(self, *, saved: bool) -> None:
        """Remove the checkpoint of a finished trial, and the whole folder of one that saved nothing."""
        if saved:
            self.checkpoint.unlink(missing_ok=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    def take_place(self) -> bool:
        """Put the folder of a trial that ran again in the place of the old one; whether it was one."""
        if self.replaces is None:
            return False
        shutil.rmtree(self.replaces, ignore_errors=True)
        self.path = self.path.replace(self.replaces)
        return True


def needed_bytes(trained_weights: int, keep: Keep = "last") -> int:
    """The room that a trial takes on the disk."""
    # fp32 weights and two moments, twice while one checkpoint replaces another, with the best weights in each where
    # they are kept; then the weights once more
    checkpoint = 16 if keep == "best" else 12
    return trained_weights * (2 * checkpoint + 4) + 2**20


def write_trial(
    folder: Path, prepared: Prepared, answers: Sequence[Any], references: Sequence[Any], known: SavedTrial
) -> None:
    """Write beside the saved model what a fresh process needs to check it: what is known of it, and the predictions.

    The beginning of its prompt stands beside each prediction, for people. Results do not hold it, so they can be shown
    where the data may not be.
    """
    kind, examples = prepared.head.answers, prepared.examples["test"]
    rows: list[predictions.AnsweredExample] = [
        {
            "id": i,
            "prompt": kind.prompt(example)[:SHOWN_PROMPT],
            "prediction": given,
            "reference": right,
            "correct": kind.correct(given, right),
        }
        for i, (example, given, right) in enumerate(zip(examples, answers, references, strict=True))
    ]
    clusters = kind.clusters(examples)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters or ()))}
    for row, name in zip(rows, clusters or (), strict=False):
        row["cluster"] = numbers[name]
    atomic.write_text(folder / PREDICTIONS, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    atomic.write_json(folder / TRIAL, {**known, "files": digests(folder / MODEL)})


def read_predictions(folder: Path) -> list[Any]:
    """The predictions that the trial saved, in order. Raises DataError when they are missing or damaged."""
    file = folder / PREDICTIONS
    rows = predictions.read(file)
    for number, row in enumerate(rows):
        if row["id"] != number:
            raise DataError(f"{file}:{number + 1}: damaged: id should be {number}, is {row['id']!r}")
    return [row["prediction"] for row in rows]
