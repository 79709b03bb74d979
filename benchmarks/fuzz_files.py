"""Reads faulty data files and reports tracebacks: ``python benchmarks/fuzz_files.py [FIRST [COUNT]]``."""

from __future__ import annotations

import shutil
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.sources import fuzzing


def main(first: int = 0, count: int = 2000) -> int:
    """Try `count` seeds from `first` on; the exit status is the number of tracebacks."""
    outcomes: Counter[str] = Counter()
    for seed in range(first, first + count):
        made = fuzzing.case(seed)
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            outcomes["read" if fuzzing.outcome(made, folder) == "read" else "refused"] += 1
        except Exception:  # noqa: BLE001 - what is looked for
            outcomes["traceback"] += 1
            print(f"seed {seed}: {made.name}, {made.task}, {made.data}\n{traceback.format_exc(limit=-4)}")
        shutil.rmtree(folder)
    print(dict(outcomes))
    return outcomes["traceback"]


if __name__ == "__main__":
    sys.exit(min(1, main(*map(int, sys.argv[1:]))))
