"""`make baseline`: runs LoRA on every recipe in `recipes/`, and four methods on entities, into `results/baseline/`.

Each runs with several seeds, whose spread lets `check` tell a change from noise, and keeps its predictions beside its
result. After an interruption, run it again: finished trials are kept. To record everything again, delete
`results/baseline/` first.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from pefbench.paths import PROJECT
from pefbench.recipe_file import methods_of
from pefbench.results import predictions, store

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = PROJECT / "results" / "baseline"
SEEDS = 3
METHODS = {"ner": ("full", "lora", "bottleneck", "prefix")}
"""Recipe -> its methods, if not LoRA alone. `results/compare/` has the comparisons of methods."""


def main() -> None:
    """Run all trials, each in its own process; stop at the first failure."""
    for recipe in sorted((PROJECT / "recipes").glob("*.yaml")):
        for method in _methods(recipe):
            for seed in range(SEEDS):
                command = ["run", f"recipes/{recipe.name}", "--method", method, "-o", f"train.seed={seed}"]
                subprocess.run(
                    [sys.executable, "-m", "pefbench", *command, "--out", "results/baseline"], cwd=PROJECT, check=True
                )
    for stored in store.load_results(BASELINE).results:
        predictions.pack(stored)


def _methods(recipe: Path) -> list[str]:
    """The methods to record for a recipe: its own if LoRA is not among them; none for a file that extends another."""
    has = methods_of(recipe)
    return [method for method in METHODS.get(recipe.stem, ("lora",)) if method in has] or has


if __name__ == "__main__":
    main()
