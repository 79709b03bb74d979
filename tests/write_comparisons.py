"""`make comparisons`: runs the comparisons that the documentation shows, into `results/compare/`.

It can be killed and given again: finished trials are kept, and one that was killed goes on. Until a comparison is whole
its trials lie in `results/unfinished/`, where they may be committed, so that another machine goes on with them. Two
trials run side by side, each on one thread. Training examples are cut so that all of it takes about eight hours on two
cores. The files of Banking77 and WNUT-17 are to lie in data/.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from pefbench.paths import PROJECT
from pefbench.results import predictions, store

COMPARE = PROJECT / "results" / "compare"
UNFINISHED = PROJECT / "results" / "unfinished"
WORKERS = 2
SHARED = ("train.threads=1",)
ON_ANY_CPU = ("train.precision=fp32", "train.evaluate=none")
"""So that a slow CPU without bf16 can go on with it: validation while training is a third of a trial there."""
COMPARISONS = {
    "software_ner": (
        "train.max_examples=1500",
        "train.epochs=3",
        "data.validation=optuna",
        "data.test=werkzeug",
        *ON_ANY_CPU,
    ),
    "wnut17_files": ("train.max_examples=1000",),
    "banking77_files": ("train.max_examples=600", "train.epochs=8", *ON_ANY_CPU),
    "sentiment_all": ("train.max_examples=600", "train.epochs=3", *ON_ANY_CPU),
    "summarization": (
        "train.max_examples=240",
        "options.tested=300",
        "data.train=pennylane + control",
        "data.test=networkx",
    ),
}
"""A file in `recipes/compare/` -> what is laid over its recipe."""


def main() -> None:
    """Run those that are named, or all, one after the other; stop at the first that fails."""
    for name in sys.argv[1:] or COMPARISONS:
        unfinished, whole = UNFINISHED / name, COMPARE / name
        if whole.exists() and not unfinished.exists():
            shutil.copytree(whole, unfinished)
        command = ["compare", f"recipes/compare/{name}.yaml", "--workers", str(WORKERS), "--out", "results/unfinished"]
        for change in (*SHARED, *COMPARISONS[name]):
            command += ["-o", change]
        try:
            subprocess.run([sys.executable, "-m", "pefbench", *command], cwd=PROJECT, check=True)
        finally:  # also when it is interrupted: what is committed has its predictions
            for stored in store.load_results(unfinished).results:
                predictions.pack(stored)
        shutil.rmtree(whole, ignore_errors=True)
        unfinished.rename(whole)


if __name__ == "__main__":
    main()
