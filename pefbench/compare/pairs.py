"""All pairs of methods on the test split, and which of them the paired test tells apart."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from pefbench.stats.detectable import smallest_difference
from pefbench.stats.holm import holm
from pefbench.stats.mcnemar import mcnemar
from pefbench.stats.paired import difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.compare.tested import Tested
    from pefbench.results.predictions import Row
    from pefbench.results.verdict_schema import PairVerdict, SeedMcNemar

LEVEL = 0.05
TEST = (
    "Student's t on the difference of means over seeds; variance: paired bootstrap over test examples (2000 resamples, "
    "seed 0) and between seeds, never below that of the examples alone, Satterthwaite's degrees of freedom; "
    "Holm over all pairs"
)


def all_pairs(tested: Tested, seeds: Sequence[int]) -> list[PairVerdict]:
    """The paired test of every two methods, Holm's correction over all of them."""
    names = [*combinations(tested.scores, 2)]
    found = [difference(tested.scores[first], tested.scores[second]) for first, second in names]
    adjusted = holm([each.p for each in found])
    return [
        {
            "first": first,
            "second": second,
            "difference": each.value,
            "low": each.low,
            "high": each.high,
            "p": each.p,
            "p_holm": p_holm,
            "standard_error": each.standard_error,
            "freedom": each.freedom,
            "detectable": each.detectable,
            "detectable_holm": smallest_difference(each.standard_error, each.freedom, level=LEVEL / len(names)),
            "mcnemar": _mcnemar(seeds, tested.rows[first], tested.rows[second]) if tested.counts_right else [],
        }
        for (first, second), each, p_holm in zip(names, found, adjusted, strict=True)
    ]


def is_undecided(name: str, best: str | None, pairs: Sequence[PairVerdict]) -> bool:
    """Whether a method is not shown to differ from the best; so it is for the best itself."""
    with_best = [pair for pair in pairs if {pair["first"], pair["second"]} == {name, best}]
    return all(pair["p_holm"] >= LEVEL for pair in with_best)


def _mcnemar(
    seeds: Sequence[int], first: Sequence[Sequence[Row]], second: Sequence[Sequence[Row]]
) -> list[SeedMcNemar]:
    found: list[SeedMcNemar] = []
    for seed, one, other in zip(seeds, first, second, strict=True):
        each = mcnemar([row["correct"] for row in one], [row["correct"] for row in other])
        found.append({"seed": seed, "only_first": each.only_first, "only_second": each.only_second, "p": each.p})
    return found
