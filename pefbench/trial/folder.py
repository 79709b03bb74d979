"""A trial's files: its result, and beside it a folder with checkpoint, trained model and predictions."""

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
"""An empty file: a process of the trial has failed and writes the result."""
SHOWN_PROMPT = 500
"""Number of characters of a prompt saved with its prediction."""


def result_path(
    recipe: Recipe,
    fingerprint: str,
    out: Path,
    scored: Sequence[str] = EVALUATED,
    *,
    dropout: Drawn,
    processes: int = 1,
) -> Path:
    """The path of a recipe's result on data with this fingerprint. The recipe's precision must be resolved.

    processes: how many train together; another number is another trial if each process draws its own dropout.
    """
    content = recipe.resolved()
    if dropout == "by example and step":
        content["dropout"] = dropout
    if dropout == "by process" and processes > 1:
        content["processes"] = processes
    if tuple(scored) != EVALUATED:  # the same training, but another result
        content["scored"] = list(scored)
    return out / recipe.name / f"{store.trial_id(content, fingerprint)}.json"


class TrialFolder:
    """The folder `<id>/` beside the result `<id>.json`; during a rerun it is `<id>.rerun/` until the trial finishes."""

    def __init__(self, result: Path) -> None:
        self.result = result
        self.path = result.with_suffix("")
        self.replaces: Path | None = None

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that training resumes from."""
        return self.path / CHECKPOINT

    @property
    def model(self) -> Path:
        """Where the trained model is saved."""
        return self.path / MODEL

    @property
    def artifacts(self) -> Artifacts:
        """The folder's entries in the result."""
        return {"folder": f"{self.result.stem}/{MODEL}", "predictions": f"{self.result.stem}/{PREDICTIONS}"}

    def begin_again(self) -> None:
        """Leave a finished trial in place until this one has finished, too."""
        self.replaces, self.path = self.path, self.result.with_suffix(".rerun")

    def make_room(self, trained_weights: int, keep: Keep) -> None:
        """Check that the disk has enough room, and remove what a failed or killed trial left. Raises OutputError."""
        held = self.checkpoint.stat().st_size if self.checkpoint.exists() else 0
        atomic.clear_abandoned(self.path)
        store.check_writable(self.path, needed_bytes=max(0, needed_bytes(trained_weights, keep) - held))
        (self.path / FAILED).unlink(missing_ok=True)

    def claim_failure(self) -> bool:
        """Whether this process failed first and must write the result; the others fail only because of it."""
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
        """Replace the old folder after a rerun. Returns whether this was a rerun."""
        if self.replaces is None:
            return False
        shutil.rmtree(self.replaces, ignore_errors=True)
        self.path = self.path.replace(self.replaces)
        return True


def needed_bytes(trained_weights: int, keep: Keep = "last") -> int:
    """The disk space that a trial needs, in bytes."""
    # fp32 weights and two moments, twice while one checkpoint replaces another, each with the best weights if they are
    # kept; then the weights once more
    checkpoint = 16 if keep == "best" else 12
    return trained_weights * (2 * checkpoint + 4) + 2**20


def write_trial(
    folder: Path, prepared: Prepared, answers: Sequence[Any], references: Sequence[Any], known: SavedTrial
) -> None:
    """Write what a fresh process needs to check the saved model: what is known of the trial, and the predictions.

    Each prediction has the beginning of its prompt, for human readers. Results do not contain prompts, so they can be
    published even if the data cannot.
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
    """The predictions that the trial saved, in order. Raises DataError if they are missing or damaged."""
    file = folder / PREDICTIONS
    rows = predictions.read(file)
    for number, row in enumerate(rows):
        if row["id"] != number:
            raise DataError(f"{file}:{number + 1}: damaged: id should be {number}, is {row['id']!r}")
    return [row["prediction"] for row in rows]
