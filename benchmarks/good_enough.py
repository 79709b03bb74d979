"""How often `pick --within 0.95` names a method when none is good enough, and when all are as good as full fine-tuning.

    python -m benchmarks.good_enough [SIMULATIONS]

Full fine-tuning and 18 methods answer the same validation and test examples (`tests.analysis.pick.simulated`). In the
first table all 18 are truly at 0.93 of full fine-tuning: `pick` should name one in at most 5 % of cases. In brackets is
the rule that looks only at test scores and names a method that reaches 0.95 of full fine-tuning's. In the second table
all 18 are truly as good. The standard error of 5 % is 1.3 points at 300 simulations.
"""

from __future__ import annotations

import sys

from tabulate import tabulate

from tests.analysis.pick.simulated import named

SCORES = {
    "accuracy 0.47 of 247": (0.47, 247),
    "accuracy 0.90 of 247": (0.9, 247),
    "accuracy 0.90 of 1,000": (0.9, 1000),
}
SEEDS = (1, 3, 5)


def main(simulations: int) -> None:
    """Print the tables."""
    for share, title in ((0.93, "None of 18 is good enough (0.93 of full)"), (1.0, "All 18 are as good as full")):
        rows = []
        for name, (full, examples) in SCORES.items():
            found = [named(full, share, examples, seeds, simulations) for seeds in SEEDS]
            rows.append([name, *(f"{100 * by_pick:.1f} ({100 * by_test:.0f})" for by_pick, by_test in found)])
        print(f"{title}: one is named, %, and in brackets by the scores on test alone\n")
        print(tabulate(rows, ["", "1 seed", "3 seeds", "5 seeds"], disable_numparse=True), flush=True)
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
