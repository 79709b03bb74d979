"""Tests all pairs of methods on the test split: which differ, which are equivalent, and what would decide the rest."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from pefbench.results.verdict_schema import with_best
from pefbench.stats.all_pairs import judge
from pefbench.stats.mcnemar import mcnemar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from pefbench.compare.tested import Tested
    from pefbench.results.predictions import AnsweredExample
    from pefbench.results.verdict_schema import PairVerdict, SeedMcNemar
    from pefbench.stats.all_pairs import PairTest

TEST = (
    "step-down max-t over all pairs on a parametric bootstrap (50000 draws, seed 0) of the differences of means over "
    "seeds; variance: paired bootstrap over test examples (2000 resamples, seed 0) and between seeds, from five seeds "
    "moderated across methods, never below that of the examples alone; equivalent: two one-sided tests at the level "
    "adjusted over all pairs"
)


def all_pairs(tested: Tested, seeds: Sequence[int], *, level: float, margin: float, higher: bool) -> list[PairVerdict]:
    """The test of every pair, with `level` shared by all pairs. seeds: train.seed of the final trials, in order."""
    if len(tested.scores) < 2:
        return []
    names = [*combinations(tested.scores, 2)]
    differing = [_differing(tested.rows[first], tested.rows[second]) for first, second in names]
    found = judge([*tested.scores.values()], differing, level=level, margin=margin, proportion=tested.counts_right)
    one_seed = any(len(each.values) < 2 for each in tested.scores.values())
    by_mcnemar = tested.counts_right and tested.drawn == tested.examples  # McNemar's test assumes independent examples
    return [
        {
            "first": first,
            "second": second,
            "difference": each.difference,
            "low": each.low,
            "high": each.high,
            "p": each.p,
            "p_adjusted": each.adjusted,
            "p_runs": each.runs,
            "standard_error": each.standard_error,
            "freedom": each.freedom,
            "detectable": each.detectable,
            "answer": None if one_seed else _answer(each, higher=higher),
            "within_margin": each.within_margin,
            "identical": differ == 0,
            "seeds_needed": each.seeds,
            "examples_needed": _examples(each.examples, tested),
            "mcnemar": _mcnemar(seeds, tested.rows[first], tested.rows[second]) if by_mcnemar else [],
        }
        for (first, second), each, differ in zip(names, found, differing, strict=True)
    ]


def _answer(test: PairTest, *, higher: bool) -> Literal["better", "worse", "equivalent", "undecided"]:
    if test.answer == "different":
        return "better" if (test.difference > 0) == higher else "worse"
    return test.answer


def _examples(needed: int | None, tested: Tested) -> int | None:
    """How many test examples are needed. needed: the number of units that resampling draws, which may be clusters."""
    if needed is None or tested.examples is None or not tested.drawn or tested.drawn == tested.examples:
        return needed
    return int(float(f"{needed * tested.examples / tested.drawn:.2g}"))


def against_best(
    name: str, best: str | None, pairs: Sequence[PairVerdict]
) -> Literal["worse", "equivalent", "undecided"] | None:
    """A method's answer against the best: worse, equivalent or undecided; None for the best itself."""
    pair = with_best(name, best, pairs)
    answer = None if pair is None else pair["answer"]
    return "worse" if answer == "better" else answer


def _differing(first: Sequence[Sequence[AnsweredExample]], second: Sequence[Sequence[AnsweredExample]]) -> int:
    """How many examples two methods answer differently with any seed that both have."""
    differing = {
        place
        for one, other in zip(first, second, strict=False)
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True))
        if mine["prediction"] != theirs["prediction"]
    }
    return len(differing)


def _mcnemar(
    seeds: Sequence[int], first: Sequence[Sequence[AnsweredExample]], second: Sequence[Sequence[AnsweredExample]]
) -> list[SeedMcNemar]:
    found: list[SeedMcNemar] = []
    for seed, one, other in zip(seeds, first, second, strict=False):  # the seeds that both have
        each = mcnemar([row["correct"] for row in one], [row["correct"] for row in other])
        found.append({"seed": seed, "only_first": each.only_first, "only_second": each.only_second, "p": each.p})
    return found
