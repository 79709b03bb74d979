"""`make baseline`: runs LoRA on every recipe in `recipes/`, and four methods on entities, into `results/baseline/`.

Each with several seeds, whose spread tells `check` a change from noise; their predictions lie beside the results. It
can be killed and given again: what has finished is kept. To record anew, delete `results/baseline/` first.
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
"""Recipe -> its methods, where they are others than LoRA. How methods compare is what `results/compare/` tells."""


def main() -> None:
    """Run one after the other, each in a process of its own; stop at the first that fails."""
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
    """The methods to record of a recipe: its own where LoRA is not among them; none of a file that extends another."""
    has = methods_of(recipe)
    return [method for method in METHODS.get(recipe.stem, ("lora",)) if method in has] or has


if __name__ == "__main__":
    main()
