"""`make comparisons`: runs the comparisons that the documentation shows, into `results/compare/`.

It can be killed and given again: finished trials are kept, and one that was killed goes on. Two trials run side by
side, each on one thread. Training examples are cut so that all of it takes about eight hours on two cores. The files
of Banking77 and WNUT-17 are to lie in data/.
"""

from __future__ import annotations

import subprocess
import sys

from pefbench.paths import PROJECT
from pefbench.results import predictions, store

COMPARE = PROJECT / "results" / "compare"
WORKERS = 2
SHARED = ("train.threads=1",)
COMPARISONS = {
    "software_ner": ("train.max_examples=1500", "train.epochs=4", "data.test=werkzeug"),
    "wnut17_files": ("train.max_examples=1000",),
    "banking77_files": ("train.max_examples=1000",),
    "sentiment_all": (
        "train.max_examples=600",
        "train.epochs=3",
        "train.precision=fp32",  # it can go on on any CPU
        "train.evaluate=none",
    ),
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
        command = ["compare", f"recipes/compare/{name}.yaml", "--workers", str(WORKERS), "--out", "results/compare"]
        for change in (*SHARED, *COMPARISONS[name]):
            command += ["-o", change]
        subprocess.run([sys.executable, "-m", "pefbench", *command], cwd=PROJECT, check=True)
        for stored in store.load_results(COMPARE / name).results:
            predictions.pack(stored)


if __name__ == "__main__":
    main()
