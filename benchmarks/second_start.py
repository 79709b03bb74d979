"""How long a recipe takes from its command to the end of its first step, with all caches filled; and its imports.

    python -m benchmarks.second_start [--repeats 5] [--recipe recipes/lora_ner.yaml]

Each start is a process of its own. Imports are the sum of what `python -X importtime` says, in starts of their own, as
it slows them down by a tenth. Beside other work the processor seconds are what an idle machine would take, about.
Goals: 5 seconds, of which 3 for imports.
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
import os, sys
from pefbench.cli.main import main
from pefbench.cli._terminal import hush_libraries
hush_libraries()
from pefbench.trial.loop import Training
step = Training._step
def first(self, batch):
    step(self, batch)
    used = os.times()
    print(used.user + used.system, flush=True)
    sys.stderr.flush()
    os._exit(0)
Training._step = first
main(["run", *sys.argv[1:]])
"""


def main() -> None:
    """Alternate starts with and without the list of imports; print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--recipe", type=Path, default=PROJECT / "recipes" / "lora_ner.yaml")
    parsed = parser.parse_args()
    start(parsed.recipe)  # fills the caches
    plain, imports = [], []
    for _ in range(parsed.repeats):
        plain.append(start(parsed.recipe))
        imports.append(start(parsed.recipe, "-X", "importtime")[2])
    name = parsed.recipe.stem
    rows = [
        [f"{name}: to the end of the first step, seconds", _table.spread([one[0] for one in plain]), f"{START:g}"],
        ["the same in processor seconds", _table.spread([one[1] for one in plain]), ""],
        ["of which imports, seconds", _table.spread(imports), f"{IMPORTS:g}"],
    ]
    command = f"python -m benchmarks.second_start --repeats {parsed.repeats}"
    _table.write("second start", ["Start", "Median", "Goal"], rows, command)


def start(recipe: Path, *options: str) -> tuple[float, float, float]:
    """The seconds to the end of the first step, those of the processor, and those of imports where they are listed."""
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *options, "-c", CHILD, str(recipe), "--out", out],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        )
        seconds = time.perf_counter() - started
    listed = [line.split("|")[0] for line in done.stderr.splitlines() if line.startswith("import time:")]
    parts = [part.removeprefix("import time:").strip() for part in listed]
    return seconds, float(done.stdout.split()[-1]), sum(int(part) for part in parts if part.isdigit()) / 1e6


if __name__ == "__main__":
    main()
