"""Predicted and measured peak memory, for each method on an encoder and on a decoder.

    python -m benchmarks.memory                       all methods on recipes/ner.yaml and recipes/summarization.yaml
    python -m benchmarks.memory recipes/ner.yaml lora full
    python -m benchmarks.memory --write ...           also put the rows into docs/results/speed.md, beside existing ones

Each pair runs in its own process. It prepares the trial, predicts its memory, trains four steps on the largest
micro-batch of the trial, and predicts the split with the longest texts. `at most` is the bound below which a run makes
no closer estimate. The figures exclude earlier memory of the process only if the system can reset its peak (Linux).
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

RECIPES = {"recipes/ner.yaml": [], "recipes/summarization.yaml": ["options.tested=32", "train.max_examples=128"]}
"""The recipes, with overrides that make them shorter but take no less memory."""
STEPS = 4
PAGE = PROJECT / "docs" / "results" / "speed.md"
BEGIN, END = "<!-- python -m benchmarks.memory --write -->\n", "<!-- end -->"
HEADERS = [
    "recipe",
    "method",
    "precision",
    "phase",
    "expected, MB",
    "measured, MB",
    "expected / measured",
    "at most / measured",
]


class Row(TypedDict):
    """Peaks in bytes, by phase."""

    precision: str
    expected: dict[str, int]
    measured: dict[str, int]
    at_most: int


def measure(recipe_file: str, method: str) -> Row:
    """Predict the peaks of one trial, then run it and measure them."""
    from pefbench import hardware
    from pefbench.recipe import load_recipe
    from pefbench.trial import build, devices
    from pefbench.trial.foreseen import at_most
    from pefbench.trial.largest import largest_part
    from pefbench.trial.loop import Training
    from pefbench.trial.phases import Phases
    from pefbench.trial.predict import answer
    from pefbench.trial.prepare import prepare
    from pefbench.trial.rehearsal import rehearse
    from pefbench.trial.stepping import Stepper

    recipe = load_recipe(PROJECT / recipe_file, RECIPES.get(recipe_file, []), method)
    devices.set_threads(recipe.train.threads)
    ready = prepare(recipe, Phases())
    model = build.with_method(ready, build.pretrained(ready))
    accelerator = devices.accelerator(ready.recipe.train.precision)
    foreseen = rehearse(ready, model, accelerator, by_example=True)
    expected = foreseen.peaks()
    largest, _ = largest_part(ready.encoded["train"], ready.recipe.train, 1)
    bound = at_most(ready, model, largest) + foreseen.held + foreseen.states
    with tempfile.TemporaryDirectory() as folder:
        training = Training(
            Stepper(model, ready, accelerator, dropout_by_example=True),
            checkpoint=Path(folder) / "checkpoint.pt",
            checkpoint_key={},
        )
        training.order.planned = (0, [largest] * training.steps_an_epoch)
        training.total = min(STEPS, training.steps_an_epoch)
        hardware.reset_peak()
        training.run()
        measured = {"train": hardware.peak_memory()}
        split = max(("validation", "test"), key=lambda name: ready.head.prediction_lengths(ready.encoded[name]).max())
        hardware.reset_peak()
        answer(ready, split, training.model, accelerator)
        measured["evaluate"] = hardware.peak_memory()
    return {
        "precision": ready.recipe.train.precision,
        "expected": expected,
        "measured": measured,
        "at_most": bound,
    }


def _in_a_process(recipe: str, method: str) -> Row | str:
    command = [sys.executable, "-m", "benchmarks.memory", "--one", recipe, method]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), cwd=PROJECT, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        return "refused" if "MethodError: " in last else last[:60]
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def _rows(recipe: str, method: str) -> list[list[str]]:
    found = _in_a_process(recipe, method)
    name = Path(recipe).stem
    if isinstance(found, str):
        return [[name, method, "", found]]
    rows = []
    for phase, size in found["measured"].items():
        expected = found["expected"][phase]
        bound = f"{found['at_most'] / size:.1f}" if phase == "train" else ""
        told = [f"{expected / 1e6:.0f}", f"{size / 1e6:.0f}", f"{expected / size:.2f}", bound]
        rows.append([name, method, found["precision"], phase, *told])
    return rows


def _write(rows: list[list[str]]) -> None:
    """Put rows into the page's table, replacing rows of the same recipe and method."""
    before, _, rest = PAGE.read_text(encoding="utf8").partition(BEGIN)
    table, _, after = rest.partition(END)
    new = {(row[0], row[1]) for row in rows}
    there = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    kept = [row for row in there if len(row) == len(HEADERS) and (row[0], row[1]) not in new]
    text = _table(sorted([*kept, *rows], key=lambda row: row[:2]))
    PAGE.write_text(f"{before}{BEGIN}{text}\n{END}{after}", encoding="utf8")


def _table(rows: list[list[str]]) -> str:
    return tabulate(rows, HEADERS, tablefmt="pipe", disable_numparse=True)


def main() -> None:
    """Print the table."""
    given = [argument for argument in sys.argv[1:] if argument not in ("--one", "--write")]
    if "--one" in sys.argv:
        print(json.dumps(measure(*given)))
        return
    table = []
    for recipe in given[:1] or RECIPES:
        for method in given[1:] or [name for name in names("method") if name != "peft"]:
            rows = _rows(recipe, method)
            print(tabulate(rows, tablefmt="plain"), file=sys.stderr)
            table += rows
            if "--write" in sys.argv:
                _write(rows)
    print(_table(table))


if __name__ == "__main__":
    main()
