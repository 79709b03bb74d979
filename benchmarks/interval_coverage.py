"""How often the interval of a score covers the true score; it should be 95 %.

    python -m benchmarks.interval_coverage [SIMULATIONS]

A row is one metric at one true score and one size of the test set (`tests.stats.coverage` simulates them). "Marked" is
the share of test sets whose interval is marked as unreliable. The last column is the coverage of a percentile
bootstrap, the most common choice in the field.
"""

from __future__ import annotations

import sys

from tests.stats.coverage import FAMILIES, measure, proportions


def main(simulations: int) -> None:
    """Print the table in Markdown, as the docs show it."""
    print("| Metric | True score | Test examples | Covered, % | Marked, % | Percentile bootstrap, % |")
    print("|---|--:|--:|--:|--:|--:|")
    lines = [proportions(), *(measure(name, simulations) for name in FAMILIES)]
    for cell in (cell for family in lines for cell in family):
        print(
            f"| {cell.name} | {cell.truth:.2f} | {cell.units:,} | {cell.covered:.1f} | {cell.marked:.0f} | "
            f"{cell.naive:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
