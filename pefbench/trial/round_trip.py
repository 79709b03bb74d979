"""The round trip: what a trial saved is loaded in a fresh process and must predict what the trial predicted.

A trained head that was lost, or is left random after loading, is the commonest way to publish an adapter that does
not do what its table says.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any, TypedDict

from pefbench import atomic
from pefbench.errors import DataError, RoundTripError
from pefbench.paths import child_command, child_environment
from pefbench.recipe import load_resolved
from pefbench.results import predictions
from pefbench.results.store import write_json
from pefbench.trial import devices
from pefbench.trial.phases import Phases
from pefbench.trial.predict import predict
from pefbench.trial.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.heads import Head
    from pefbench.trial.prepare import Prepared

TRIAL = "trial.json"
MODEL = "model"
PREDICTIONS = "predictions.jsonl"
ASKED = 500
"""Characters."""


def write_trial(folder: Path, prepared: Prepared, answers: Sequence[Any], references: Sequence[Any]) -> None:
    """Write beside the saved model what a fresh process needs to check it: the recipe and the predictions.

    What was asked stands beside each prediction, for people: its first characters. Results do not hold it, so they can
    be shown where the data may not be.
    """
    head, examples = prepared.head, prepared.examples["test"]
    rows = [
        {
            "id": i,
            "asked": head.answers.prompt(example)[:ASKED],
            "prediction": given,
            "reference": right,
            "correct": head.answers.correct(given, right),
        }
        for i, (example, given, right) in enumerate(zip(examples, answers, references, strict=True))
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    atomic.write_text(folder / PREDICTIONS, "\n".join(lines) + "\n")
    write_json(
        folder / TRIAL,
        {"recipe": prepared.recipe.resolved(), "fingerprint": prepared.corpus.fingerprint, "threads": _threads()},
    )


def check_in_fresh_process(folder: Path) -> dict[str, Any]:
    """Run `pefbench verify FOLDER` apart and return the result's `round_trip`. Raises RoundTripError."""
    started = time.perf_counter()
    done = subprocess.run(
        child_command("verify", "--json", str(folder)),
        capture_output=True,
        text=True,
        env=child_environment(),
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        if said[-1].startswith("error: "):
            raise RoundTripError(said[-1].removeprefix("error: "))
        raise RoundTripError(f"{folder}: what was saved cannot be loaded in a fresh process: {said[-1]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return {"reproduced": True, **found, "seconds": time.perf_counter() - started}


class Verified(TypedDict):
    """What the round trip found."""

    examples: int
    """Compared."""
    differ: int
    """How many of them are answered otherwise: none, but for what rounding may do, see `Answers.mismatch_tolerance`."""


def verify(folder: Path) -> Verified:
    """Load what a trial saved and predict its test split again.

    Raises RoundTripError when predictions differ, DataError when the predictions cannot be read, or the data
    are not those of the trial.
    """
    trial = _read_trial(folder)
    before = [row["prediction"] for row in predictions.read(folder / PREDICTIONS)]
    recipe = load_resolved(trial["recipe"])
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"threads": trial["threads"]})})
    prepared = prepare(recipe, Phases(), ["test"])
    if prepared.corpus.fingerprint != trial["fingerprint"]:
        raise DataError(f"{recipe.data.source}: the data have changed since {folder} was trained")
    accelerator = devices.accelerator(prepared.recipe.train.precision)
    model = prepared.saved(folder / MODEL)
    prepared.make_ready(model)
    after = predict(
        accelerator.prepare(model),
        prepared.encoded["test"],
        prepared.head,
        accelerator,
        batch_size=recipe.evaluate.batch_size,
        what="verify",
    )
    after = prepared.head.answers.judged(after, prepared.examples["test"])
    same = prepared.head.answers.same
    differ = [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if not same(old, new)]
    if len(differ) > allowed(prepared.head, accelerator.device.type, len(before)):
        raise RoundTripError(
            f"{folder}: after loading, {len(differ)} of {len(before)} test predictions differ (the first: {differ[0]})"
        )
    return {"examples": len(before), "differ": len(differ)}


def allowed(head: Head, device: str, examples: int) -> int:
    """Return how many predictions rounding may change between two processes: on a CPU none."""
    share = head.answers.mismatch_tolerance
    return 0 if device == "cpu" or share == 0 else max(1, int(share * examples))


def _read_trial(folder: Path) -> dict[str, Any]:
    try:
        trial: dict[str, Any] = json.loads((folder / TRIAL).read_text(encoding="utf8"))
    except (OSError, ValueError):
        raise DataError(f"{folder}: not a trial's folder (it has no readable {TRIAL})") from None
    return trial


def _threads() -> int:
    import torch

    return torch.get_num_threads()
