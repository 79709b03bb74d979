"""Peak memory as foreseen before training and as measured, for each method on an encoder and on a decoder.

    python -m benchmarks.memory                       all methods on recipes/ner.yaml and recipes/summarization.yaml
    python -m benchmarks.memory recipes/ner.yaml lora full

Each pair runs in a process of its own: it is prepared, foreseen, trained for four steps on the largest part that the
trial would meet, and the test split is predicted where nothing is generated. Training leaves other work's memory out of
the figures only where the machine can reset a process's peak (Linux).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

from tabulate import tabulate

from pefbench.paths import PROJECT, child_environment
from pefbench.registry import names

RECIPES = ("recipes/ner.yaml", "recipes/summarization.yaml")
STEPS = 4


class Row(TypedDict):
    """Peaks in bytes, by phase."""

    expected: dict[str, int]
    measured: dict[str, int]


def measure(recipe_file: str, method: str) -> Row:
    """Foresee the peaks of one trial, then bring them about."""
    from pefbench import hardware
    from pefbench.recipe import load_recipe
    from pefbench.trial import build, devices, foreseen
    from pefbench.trial.loop import Training
    from pefbench.trial.phases import Phases
    from pefbench.trial.predict import answer
    from pefbench.trial.prepare import prepare

    recipe = load_recipe(PROJECT / recipe_file, [], method)
    devices.set_threads(recipe.train.threads)
    ready = prepare(recipe, Phases())
    model = build.with_method(ready, build.pretrained(ready))
    accelerator = devices.accelerator(ready.recipe.train.precision)
    expected = foreseen.foresee(ready, model, accelerator, by_example=True).peaks()
    largest, _ = foreseen.largest_part(ready, 1)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(
            model,
            ready.encoded["train"],
            ready.head,
            ready.recipe.method,
            ready.recipe.train,
            accelerator,
            checkpoint=Path(folder) / "checkpoint.pt",
            checkpoint_key={},
            dropout_by_example=True,
        )
        training.order.planned = (0, [largest] * training.steps_an_epoch)
        training.total = min(STEPS, training.steps_an_epoch)
        hardware.reset_peak()
        training.run()
        measured = {"train": hardware.peak_memory()}
        if "evaluate" in expected:
            hardware.reset_peak()
            answer(ready, "test", training.model, accelerator)
            measured["evaluate"] = hardware.peak_memory()
    return {"expected": expected, "measured": measured}


def _in_a_process(recipe: str, method: str) -> Row | str:
    command = [sys.executable, "-m", "benchmarks.memory", "--one", recipe, method]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), cwd=PROJECT, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no reason"])[-1][:60]
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def main() -> None:
    """Print the table."""
    if "--one" in sys.argv:
        print(json.dumps(measure(*sys.argv[2:4])))
        return
    recipes = [sys.argv[1]] if len(sys.argv) > 1 else RECIPES
    methods = sys.argv[2:] or [name for name in names("method") if name != "peft"]
    table = []
    for recipe in recipes:
        for method in methods:
            row = _in_a_process(recipe, method)
            if isinstance(row, str):
                table.append([Path(recipe).stem, method, row])
                continue
            for phase, size in row["measured"].items():
                expected = row["expected"][phase]
                figures = [f"{expected / 1e6:.0f}", f"{size / 1e6:.0f}", f"{expected / size:.2f}"]
                table.append([Path(recipe).stem, method, phase, *figures])
            print(tabulate(table[-2:], tablefmt="plain"), file=sys.stderr)
    print(tabulate(table, ["recipe", "method", "phase", "expected, MB", "measured, MB", "ratio"], tablefmt="pipe"))


if __name__ == "__main__":
    main()
