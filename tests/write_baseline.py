"""`make baseline`: runs every method that the recipes in `recipes/` have an entry for, into `results/baseline/`.

Each with several seeds, whose spread tells `check` a change from noise; their predictions lie beside the results.
"""

from __future__ import annotations

import subprocess
import sys

from pefbench.paths import PROJECT
from pefbench.recipe_file import methods_of
from pefbench.results import predictions, store

BASELINE = PROJECT / "results" / "baseline"
SEEDS = 3


def main() -> None:
    """Run one after the other, each in a process of its own; stop at the first that fails."""
    for recipe in sorted((PROJECT / "recipes").glob("*.yaml")):
        for method in methods_of(recipe):
            for seed in range(SEEDS):
                command = ["run", f"recipes/{recipe.name}", "--method", method, "-o", f"train.seed={seed}"]
                command += ["--out", str(BASELINE), "--rerun"]
                subprocess.run([sys.executable, "-m", "pefbench", *command], cwd=PROJECT, check=True)
    for stored in store.load_results(BASELINE).results:
        predictions.pack(stored)


if __name__ == "__main__":
    main()
