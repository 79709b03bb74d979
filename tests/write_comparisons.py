"""`make comparisons`: runs the comparisons that the documentation shows, into `results/compare/`.

After an interruption, run it again: finished trials are kept, and a killed one resumes. Until a comparison is complete,
its trials are in `results/unfinished/`; commit them there to continue on another machine. Two trials run side by side,
each on one thread. The numbers of training examples are limited, so that each comparison takes hours on two cores, not
days. The files of Banking77 and WNUT-17 must be in data/.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from contextlib import suppress

from pefbench.errors import UserError
from pefbench.paths import PROJECT
from pefbench.results import predictions, store

COMPARE = PROJECT / "results" / "compare"
UNFINISHED = PROJECT / "results" / "unfinished"
WORKERS = 2
SHARED = ("train.threads=1",)
ON_ANY_CPU = ("train.precision=fp32", "train.evaluate=none")
"""For slow CPUs without bf16, where validation during training would take a third of a trial."""
COMPARISONS: dict[str, tuple[str, ...]] = {
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
        "train.batch_size=8",
        "train.max_length=128",
        "options.tested=300",
        "data.train=pennylane + control",
        "data.test=networkx",
        *ON_ANY_CPU,
    ),
}
"""File in `recipes/compare/` -> overrides of its recipe."""


def main() -> None:
    """Run the named comparisons, or all; stop at the first failure."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(COMPARISONS)}; none: all")
    names = parser.parse_args().names or list(COMPARISONS)
    if unknown := [name for name in names if name not in COMPARISONS]:
        parser.error(f"no comparison {unknown[0]}; there are {', '.join(COMPARISONS)}")
    for name in names:
        unfinished, whole = UNFINISHED / name, COMPARE / name
        if whole.exists() and not unfinished.exists():
            shutil.copytree(whole, unfinished)
        command = ["compare", f"recipes/compare/{name}.yaml", "--workers", str(WORKERS), "--out", "results/unfinished"]
        for change in (*SHARED, *COMPARISONS[name]):
            command += ["-o", change]
        try:
            subprocess.run([sys.executable, "-m", "pefbench", *command], cwd=PROJECT, check=True)
        finally:  # also after an interruption: committed results need their predictions
            with suppress(UserError):  # there is no final trial yet
                for stored in store.load_results(unfinished).results:
                    predictions.pack(stored)
        shutil.rmtree(whole, ignore_errors=True)
        unfinished.rename(whole)


if __name__ == "__main__":
    main()
