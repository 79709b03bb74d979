"""The time to the first answer of `pefbench predict` in a new process.

    python -m benchmarks.first_answer results/lora_ner/ID [TEXT]

Timed from the shell's command to its end. Processor seconds are given too, because other work on the machine does not
lengthen them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from statistics import median

STARTS = 5


def main() -> None:
    """Measure a trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", help="a saved trial's folder")
    parser.add_argument("text", nargs="?", default="A text.")
    parsed = parser.parse_args()
    walls, processor = list[float](), list[float]()
    for _ in range(STARTS):
        began, used = time.perf_counter(), _used()
        subprocess.run(
            [sys.executable, "-m", "pefbench", "predict", parsed.trial, parsed.text], check=True, capture_output=True
        )
        walls.append(time.perf_counter() - began)
        processor.append(_used() - used)
    print(f"first answer {median(walls):.2f} s, of the processor {median(processor):.2f} s (median of {STARTS} starts)")


def _used() -> float:
    """Processor seconds that ended children have taken."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


if __name__ == "__main__":
    main()
