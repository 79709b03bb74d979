"""The overhead of pefbench's loop over bare forward, backward and step on the same batches, alternating step by step.

    python -m benchmarks.loop_overhead [--repeats 5] [--precision bf16] [--processor-seconds]

Both train the same LoRA model in one process; the bare side has its padded tensors ready before the clock starts. It
clips gradients as the loop does, since that is part of the step, not of the loop. Goal: at most 1.01.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks import _table
from pefbench.models.cpu_kernels import fast_on_cpu
from pefbench.paths import PROJECT
from pefbench.progress import Progress
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices
from pefbench.trial.batching import collate
from pefbench.trial.loop import Training
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from pefbench.trial.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.trial.batching import Indices

RECIPE = PROJECT / "recipes" / "lora_ner.yaml"


def main() -> None:
    """Time pairs of epochs and print the ratio of each and their median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    _table.add_clock(parser)
    parsed = parser.parse_args()
    clock = _table.clock(parsed)
    training = make(parsed.precision)
    batches = [training.order.batch(step) for step in range(training.steps_an_epoch)]
    ready = [collate(training.stepper.encoded, batch) for batch in batches]
    ratios = []
    for repeat in range(parsed.repeats + 1):
        loop, bare = epoch(training, batches, ready, clock)
        if repeat:  # the first is a warm-up
            ratios.append(loop / bare)
            print(f"loop {loop:.2f} s, bare {bare:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
    row = [parsed.precision, _table.spread(ratios, ".3f"), "at most 1.01"]
    command = f"python -m benchmarks.loop_overhead --repeats {parsed.repeats}{_table.option(parsed)}"
    _table.write("loop", ["Precision", "The loop / bare steps", "Goal"], [row], command)


def make(precision: str) -> Training:
    """A LoRA training run of one epoch."""
    recipe = load_recipe(RECIPE, [f"train.precision={precision}", "train.epochs=1"])
    devices.set_threads(1 if os.environ.get("OMP_NUM_THREADS") == "1" else recipe.train.threads)
    ready = prepare(recipe, Phases(), ["train"])
    accelerator = devices.accelerator(ready.recipe.train.precision)
    return Training(
        Stepper(build.with_method(ready, build.pretrained(ready)), ready, accelerator),
        checkpoint=Path(tempfile.mkdtemp()) / "checkpoint.pt",
        checkpoint_key={},
    )


def epoch(
    training: Training, batches: list[Indices], ready: list[dict[str, torch.Tensor]], clock: Callable[[], float]
) -> tuple[float, float]:
    """The seconds of one epoch by the loop and bare; both take each batch and take turns at being first."""
    training.at = type(training.at)()
    training.model.train()
    seconds = {"loop": 0.0, "bare": 0.0}
    steps = len(batches) - 1  # the last would write a checkpoint
    with fast_on_cpu(), Progress("loop", steps, enabled=False) as progress:
        for step in range(steps):
            sides = {
                "loop": partial(training._train_interval, progress),
                "bare": partial(bare_step, training, batches[step], ready[step]),
            }
            for name in sorted(sides, reverse=bool(step % 2)):
                started = clock()
                sides[name]()
                seconds[name] += clock() - started
    return seconds["loop"], seconds["bare"]


def bare_step(training: Training, batch: Indices, tensors: dict[str, torch.Tensor]) -> None:
    """Forward, backward and step, and nothing else."""
    loss = training.stepper.head.loss_sum(training.model, tensors) / int(training.stepper.encoded.targets[batch].sum())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(training.stepper.trainable, training.settings.max_grad_norm)
    training.stepper.optimizer.step()
    training.stepper.optimizer.zero_grad()


if __name__ == "__main__":
    main()
