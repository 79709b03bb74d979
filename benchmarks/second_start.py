"""The time of a recipe from the command to the end of its first step, with all caches filled, and that of its imports.

    python -m benchmarks.second_start [--repeats 5] [--recipe recipes/lora_ner.yaml]

Each start is a new process. Import time is that of the outermost imports, as `python -X importtime` counts it. On a
busy machine, processor seconds are about what an idle machine would take. Goals: 5 seconds, of which 3 for imports.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import _table
from pefbench.paths import PROJECT

START, IMPORTS = 5.0, 3.0
CHILD = """
import importlib._bootstrap as system
import os, sys, time
find, inside, imports = system._find_and_load, [], [0.0, 0.0]
def timed(*given):
    inside.append((time.perf_counter(), time.process_time()))
    try:
        return find(*given)
    finally:
        wall, used = inside.pop()
        if not inside:
            imports[:] = imports[0] + time.perf_counter() - wall, imports[1] + time.process_time() - used
system._find_and_load = timed
from pefbench.cli.main import main
from pefbench import collecting
from pefbench.cli._terminal import hush_libraries
with collecting.paused():
    hush_libraries()
    from pefbench.trial.loop import Training
step = Training._step
def first(self, batch):
    step(self, batch)
    used = os.times()
    print(used.user + used.system, *imports, flush=True)
    sys.stderr.flush()
    os._exit(0)
Training._step = first
main(["run", *sys.argv[1:]])
"""


def main() -> None:
    """Start repeatedly; print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--recipe", type=Path, default=PROJECT / "recipes" / "lora_ner.yaml")
    parsed = parser.parse_args()
    start(parsed.recipe)  # fills the caches
    found = [*zip(*[start(parsed.recipe) for _ in range(parsed.repeats)], strict=True)]
    whole, used, imports, imports_used = map(_table.spread, found)
    name = parsed.recipe.stem
    rows = [
        [f"{name}: to the end of the first step, seconds", whole, f"{START:g}"],
        ["the same in processor seconds", used, ""],
        ["of which imports, seconds", imports, f"{IMPORTS:g}"],
        ["the same in processor seconds", imports_used, ""],
    ]
    command = f"python -m benchmarks.second_start --repeats {parsed.repeats}"
    _table.write("second start", ["Start", "Median", "Goal"], rows, command)


def start(recipe: Path) -> tuple[float, ...]:
    """Wall-clock and processor seconds to the end of the first step, and the same for imports alone."""
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(recipe), "--out", out],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        )
        seconds = time.perf_counter() - started
    used, *imports = map(float, done.stdout.split()[-3:])
    return seconds, used, *imports


if __name__ == "__main__":
    main()
