"""The value of placing settings by results, compared with a wider fixed list, on simulated learning-rate curves.

    python -m benchmarks.placed_settings [CURVES]

A curve is a method's score over the logarithm of its learning rate. It rises to a best rate, within three quarters of a
decade of the default, falls slowly, and ends at a rate where training fails. Slopes, widths and the noise of one seed
are random. All ways try the same number of rates. The best-scoring rate is chosen; its loss is the difference between
the true scores of the best rate and the chosen one. "The better" always takes the better-scoring neighbour, as
`pefbench.compare.placing` once did.
"""

from __future__ import annotations

import math
import random
import sys
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench.compare import placing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.results.verdict_schema import Setting

    Curve = Callable[[float], float]

FAILS, MUCH = -0.4, 0.03
NOISE = (0.0, 0.01, 0.02)
SETTINGS = (5, 7)
RULE, NEVER = placing.FURTHER, 1e9
RATE = "rate"


def main(curves: int) -> None:
    """Print the table."""
    rows = []
    for settings in SETTINGS:
        for noise in NOISE:
            ways = [listed, with_further(RULE), with_further(NEVER)]
            rows.append([settings, noise, *(lost(way, settings, noise, curves) for way in ways)])
    headers = ["settings", "noise of a score", "listed", "placed", "placed, the better"]
    print(f"Score that is lost, mean (and in % of {curves:,} curves more than {MUCH})\n")
    print(tabulate(rows, headers, disable_numparse=True))


def lost(way: Callable[[Curve, int], list[tuple[float, float]]], settings: int, noise: float, curves: int) -> str:
    """The loss of the chosen rate, over curves that are the same for each way."""
    found = []
    for seed in range(curves):
        source = random.Random(seed)
        true = curve(source)
        tried = way(partial(observed, true, source, noise), settings)
        found.append(-true(max(tried, key=lambda one: one[1])[0]))
    return f"{fmean(found):.4f} ({100 * fmean(each > MUCH for each in found):.1f})"


def observed(true: Curve, source: random.Random, noise: float, at: float) -> float:
    """The score with one seed."""
    return true(at) + source.gauss(0, noise)


def curve(source: random.Random) -> Curve:
    """A score, at most 0, as a function of the decades from the default rate."""
    best, rise = source.uniform(-0.75, 0.75), source.uniform(0.05, 0.3)
    width, fall = source.uniform(0.05, 0.6), source.uniform(0, 0.3)

    def score(at: float) -> float:
        if at > best + width:
            return FAILS
        return -rise * (best - at) if at <= best else -fall * (at - best)

    return score


def listed(score: Curve, settings: int) -> list[tuple[float, float]]:
    """Rates half a decade apart around the default."""
    return [(at, score(at)) for at in ((number - settings // 2) / 2 for number in range(settings))]


def with_further(further: float) -> Callable[[Curve, int], list[tuple[float, float]]]:
    """Three listed rates, the others placed."""

    def way(score: Curve, settings: int) -> list[tuple[float, float]]:
        placing.FURTHER = further
        found = listed(score, placing.FEWEST)
        while len(found) < settings:
            tried: list[Setting] = [{RATE: 10.0**at} for at, _ in found]
            at = placed(tried, [value for _, value in found])
            found.append((at, score(at)))
        return found

    return way


def placed(tried: list[Setting], values: list[float | None]) -> float:
    """The decades from the default to the next placed rate."""
    return math.log10(next(placing.candidates(tried, values, higher=True))[RATE])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
