"""`make baseline`: runs every method that the recipes in `recipes/` have an entry for, into `results/baseline/`."""

from __future__ import annotations

import subprocess
import sys

from pefbench.paths import PROJECT
from pefbench.recipe_file import methods_of


def main() -> None:
    """Run one after the other, each in a process of its own; stop at the first that fails."""
    for recipe in sorted((PROJECT / "recipes").glob("*.yaml")):
        for method in methods_of(recipe):
            command = ["run", f"recipes/{recipe.name}", "--method", method, "--out", "results/baseline", "--rerun"]
            subprocess.run([sys.executable, "-m", "pefbench", *command], cwd=PROJECT, check=True)


if __name__ == "__main__":
    main()
