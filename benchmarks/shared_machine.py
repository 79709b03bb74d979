"""The effect of other work on training, by how threads wait for each other: pefbench's setting and libgomp's default.

    python -m benchmarks.shared_machine [--repeats 5] [--steps 20] [--batch 32] [--spins 1000 0 ...]

One process per setting trains LoRA on the NER recipe with one thread per core. They take turns, first alone and then
beside one busy process per core. By default, libgomp's threads spin 300,000 times before they sleep. --spins sets other
counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.hardware import cores
from pefbench.paths import PROJECT
from pefbench.waiting import SPINS, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.trial.loop import Training

DEFAULT = 300_000
"""libgomp's default count if there are no more threads than cores."""
CHILD = "--trains"
BUSY = "while True: pass"


def main() -> None:
    """Print the steps per second of each setting, alone and beside other work, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--spins", type=int, nargs="*", default=[])
    parser.add_argument("--busy-only", action="store_true", help="leave the machine as it is: other work is there")
    parsed = parser.parse_args()
    ways = {spins: Trainer(spins, parsed.batch) for spins in dict.fromkeys([DEFAULT, SPINS, *parsed.spins])}
    rates: dict[tuple[int, str], list[float]] = {}
    for repeat in range(parsed.repeats):
        for load in ["busy"] if parsed.busy_only else ["idle", "busy"]:
            with busy_processes(0 if load == "idle" or parsed.busy_only else cores()):
                for spins in sorted(ways, reverse=bool(repeat % 2)):
                    rates.setdefault((spins, load), []).append(ways[spins].rate(parsed.steps))
                    print(f"{load} {spins:>7} spins: {rates[spins, load][-1]:.3f} steps/s", flush=True)
    report(rates)


def report(rates: dict[tuple[int, str], list[float]]) -> None:
    """Print the medians, and for each setting the ratios of busy to idle, and of idle to libgomp's default."""
    middle = {key: statistics.median(found) for key, found in rates.items()}
    print("\n| Spins | Idle, steps/s | Busy, steps/s | Busy / idle | Idle / libgomp's own |\n|---|---|---|---|---|")
    for spins in dict.fromkeys(spins for spins, _ in rates):
        idle, busy, own = middle.get((spins, "idle")), middle[spins, "busy"], middle.get((DEFAULT, "idle"))
        ratios = [f"{busy / idle:.2f}", f"{idle / own:.3f}"] if idle and own else ["", ""]
        print(f"| {spins:,} | {f'{idle:.3f}' if idle else ''} | {busy:.3f} | {' | '.join(ratios)} |")


class Trainer:
    """A process that trains steps on request."""

    def __init__(self, spins: int, batch: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.shared_machine", CHILD, str(batch)],
            cwd=PROJECT,
            env={
                name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")
            }
            | {VARIABLE: str(spins)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.rate(3)  # ready, and warm

    def rate(self, steps: int) -> float:
        """Train `steps` steps; return steps per second."""
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("started with pipes")
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep `number` cores busy."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(number)]
    try:
        time.sleep(0.5 if others else 0)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def trains(batch: int) -> None:
    """Read numbers of steps and answer each with the rate."""
    from pefbench.models.cpu_kernels import fast_on_cpu

    training = make(batch)
    training.model.train()
    step = 0
    with fast_on_cpu():
        for line in sys.stdin:
            started = time.perf_counter()
            for _ in range(int(line)):
                training._step(training.order.batch(step % training.steps_an_epoch))
                step += 1
            training.losses.clear()
            print(int(line) / (time.perf_counter() - started), flush=True)


def make(batch: int) -> Training:
    """A LoRA training run with one thread per core."""
    from pefbench.recipe import load_recipe
    from pefbench.trial import build, devices
    from pefbench.trial.loop import Training
    from pefbench.trial.phases import Phases
    from pefbench.trial.prepare import prepare
    from pefbench.trial.stepping import Stepper

    recipe = load_recipe(PROJECT / "recipes" / "lora_ner.yaml", [f"train.batch_size={batch}"])
    devices.set_threads(None)
    ready = prepare(recipe, Phases(), ["train"])
    accelerator = devices.accelerator(ready.recipe.train.precision)
    return Training(
        Stepper(build.with_method(ready, build.pretrained(ready)), ready, accelerator),
        checkpoint=Path(tempfile.mkdtemp()) / "checkpoint.pt",
        checkpoint_key={},
    )


if __name__ == "__main__":
    trains(int(sys.argv[2])) if sys.argv[1:2] == [CHILD] else main()
