"""A LoRA step against a step of full fine-tuning on the same batches, alternating step by step, in fp32 and in bf16.

    python -m benchmarks.lora_step [--repeats 15] [--batch-size 32] [--precision fp32 bf16] [--processor-seconds]

Each precision runs in its own process. A repeat is one step of each on one batch: forward, backward, clipping, AdamW.
Goals: at most .78 in fp32, .85 in bf16.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks import _table
from pefbench.paths import PROJECT, child_environment
from pefbench.recipe import load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.trial.stepping import Stepper

GOALS = {"fp32": 0.78, "bf16": 0.85}
METHODS = ("lora", "full")


def main() -> None:
    """Measure each precision, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--precision", nargs="+", choices=list(GOALS), default=list(GOALS))
    _table.add_clock(parser)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.child:
        print(json.dumps(ratios(parsed.precision[0], parsed.batch_size, parsed.repeats, _table.clock(parsed))))
        return
    rows = []
    for precision in parsed.precision:
        options = ["--repeats", str(parsed.repeats), "--batch-size", str(parsed.batch_size), "--precision", precision]
        options += _table.option(parsed).split()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.lora_step", "--child", *options],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=PROJECT,
            env=child_environment(),
        )
        found = json.loads(done.stdout.splitlines()[-1])
        rows.append([precision, str(parsed.batch_size), _table.spread(found), f"at most {GOALS[precision]:.2f}"])
    command = f"python -m benchmarks.lora_step --repeats {parsed.repeats} --batch-size {parsed.batch_size}"
    header = ["Precision", "Batch", "LoRA step / full step", "Goal"]
    _table.write("LoRA step", header, rows, command + _table.option(parsed))


def ratios(precision: str, batch_size: int, repeats: int, clock: Callable[[], float]) -> list[float]:
    """LoRA's seconds over full fine-tuning's, step by step."""
    import torch

    from pefbench.trial.batching import epoch_batches

    torch.manual_seed(0)
    steppers = {method: stepper(method, precision, batch_size) for method in METHODS}
    lengths = steppers["lora"].encoded.lengths
    batches = epoch_batches(lengths, batch_size, seed=0, epoch=0)[: repeats + 2]
    found = []
    for step, batch in enumerate(batches):
        seconds = {}
        for method in sorted(METHODS, reverse=bool(step % 2)):
            each = steppers[method]
            with each.kernels():
                started = clock()
                each.take(batch, step, 1.0)
                seconds[method] = clock() - started
        if step >= len(batches) - repeats:  # those before are a warm-up
            found.append(seconds["lora"] / seconds["full"])
    return found


def stepper(method: str, precision: str, batch_size: int) -> Stepper:
    """The recipe's model with a method on it, ready to take steps."""
    from pefbench.trial import build, devices
    from pefbench.trial.phases import Phases
    from pefbench.trial.prepare import prepare
    from pefbench.trial.stepping import Stepper

    overrides = [f"train.precision={precision}", f"train.batch_size={batch_size}"]
    recipe = load_recipe(PROJECT / "recipes" / "ner.yaml", overrides, method)
    devices.set_threads(1 if os.environ.get("OMP_NUM_THREADS") == "1" else recipe.train.threads)
    ready = prepare(recipe, Phases(), ["train"])
    accelerator = devices.accelerator(precision)
    made = Stepper(build.with_method(ready, build.pretrained(ready)).train(), ready, accelerator)
    made.model.train()
    return made


if __name__ == "__main__":
    main()
