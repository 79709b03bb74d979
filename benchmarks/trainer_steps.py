"""The training steps of one epoch with pefbench and with transformers' Trainer + PEFT, alternating.

    python -m benchmarks.trainer_steps [--repeats 5] [--batch-size 32] [--examples 480] [--processor-seconds]

The sides are those of `against_trainer`, all on the same, fewer examples. Each side has one process, which trains
another epoch in each round, in turn. Time before the first step and after the last does not count. On a busy machine
this takes a tenth of the time of whole processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _table
from benchmarks.against_trainer import PRECISION, RATIOS, RECIPE, make_job
from pefbench.paths import PROJECT, child_environment
from pefbench.recipe import load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.recipe import Recipe

SIDES = ("auto", "fp32", "stock", "best", "best fp32")


def main() -> None:
    """Alternate the sides and print the table; with --child, run one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--examples", type=int, default=480)
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    _table.add_clock(parser)
    parsed = parser.parse_args()
    if parsed.child:
        serve(parsed)
        return
    found = measure(parsed)
    rows = []
    for what, ours, theirs, goals in RATIOS:
        if what == "train":
            ratios = [slow / fast for slow, fast in zip(found[theirs], found[ours], strict=True)]
            goal = goals.get(parsed.batch_size)
            rows.append([ours, theirs, _table.spread(ratios), f"{goal:g}" if goal else ""])
    command = f"python -m benchmarks.trainer_steps --repeats {parsed.repeats} --batch-size {parsed.batch_size}"
    command += f" --examples {parsed.examples}{_table.option(parsed)}"
    header = ["Steps of pefbench", "of Trainer", "Times as fast", "Goal"]
    _table.write(f"trainer steps {parsed.batch_size}", header, rows, command)


def measure(parsed: argparse.Namespace) -> dict[str, list[float]]:
    """The seconds of each side's epochs, after one uncounted epoch."""
    settings = ["--batch-size", str(parsed.batch_size), "--examples", str(parsed.examples)]
    sides = {
        side: subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.trainer_steps", "--child", side),
                *(*settings, *_table.option(parsed).split()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=PROJECT,
            env=child_environment(),
        )
        for side in SIDES
    }
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    for repeat in range(parsed.repeats + 1):
        for side in sorted(SIDES, reverse=bool(repeat % 2)):
            seconds = ask(sides[side])
            if repeat:
                found[side].append(seconds)
                print(f"{side}: {seconds:.2f} s", file=sys.stderr, flush=True)
    for process in sides.values():
        process.communicate()
    return found


def ask(process: subprocess.Popen[str]) -> float:
    """The seconds of one more epoch of a side."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith('{"seconds"'):
            return float(json.loads(line)["seconds"])
    raise SystemExit("a side has ended")


def serve(parsed: argparse.Namespace) -> None:
    """Train one epoch for each line on standard input, and print its seconds."""
    side, clock = parsed.child, _table.clock(parsed)
    settings: dict[str, Any] = {"epochs": 1, "batch_size": parsed.batch_size, "max_examples": parsed.examples}
    settings |= {"precision": PRECISION.get(side, side), "evaluate": "none"}
    settings |= {"threads": 1} if parsed.processor_seconds else {}
    recipe = load_recipe(RECIPE, [f"train.{name}={value}" for name, value in settings.items()])
    with tempfile.TemporaryDirectory() as out:
        epoch = pefbench(recipe, out, clock) if side in ("auto", "fp32") else trainer(recipe, out, side, clock)
        for _ in sys.stdin:
            print(json.dumps({"seconds": epoch()}), flush=True)


def pefbench(recipe: Recipe, out: str, clock: Callable[[], float]) -> Callable[[], float]:
    """Our epoch."""
    from pefbench.progress import Progress
    from pefbench.trial import build, devices
    from pefbench.trial.dropout import how_drawn
    from pefbench.trial.loop import Training
    from pefbench.trial.phases import Phases
    from pefbench.trial.prepare import prepare
    from pefbench.trial.stepping import Stepper

    devices.set_threads(recipe.train.threads)
    ready = prepare(recipe, Phases(), ["train"])
    accelerator = devices.accelerator(ready.recipe.train.precision)
    drawn = how_drawn(ready.recipe, ready.config)
    model = build.with_method(ready, build.pretrained(ready))
    stepper = Stepper(model, ready, accelerator, dropout_by_example=drawn == "by example and step")
    training = Training(stepper, checkpoint=Path(out) / "checkpoint.pt", checkpoint_key={})

    def epoch() -> float:
        training.at = type(training.at)()
        training.model.train()
        with Progress("train", training.total, enabled=False) as progress:
            started = clock()
            while training.at.step < training.total:
                training._train_interval(progress)
            return clock() - started

    return epoch


def trainer(recipe: Recipe, out: str, side: str, clock: Callable[[], float]) -> Callable[[], float]:
    """Theirs."""
    import torch
    from transformers import TrainerCallback

    if clock is time.process_time:
        torch.set_num_threads(1)
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_epoch_begin(self, *_: object, **__: object) -> None:
            times.append(clock())

        def on_epoch_end(self, *_: object, **__: object) -> None:
            times.append(clock())

    job = make_job(recipe, out, best=side != "stock")
    job.run.add_callback(Clock())

    def epoch() -> float:
        times.clear()
        job.run.train()
        started, ended = times
        return ended - started

    return epoch


if __name__ == "__main__":
    main()
