"""The verdict: which method is best on the test split, which are not shown to be worse, and what each one costs."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from pefbench.atomic import write_json
from pefbench.compare.levels import level_of
from pefbench.compare.method_verdict import method_verdict
from pefbench.compare.outcomes import identity
from pefbench.compare.pairs import TEST, all_pairs
from pefbench.compare.tested import Tested
from pefbench.results.provenance import now
from pefbench.results.ranges import default_margin, margin_of_all
from pefbench.results.verdict_schema import SCHEMA, Comparison, Heading
from pefbench.stats.step_down import DRAWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench.compare.plan import Outcome, Plan
    from pefbench.compare.selection import Selection
    from pefbench.results.verdict_schema import PairVerdict
    from pefbench.stats.resampling import Scores

ONE_SEED = (
    "one seed: the tests tell whether these runs differ, not whether the methods do, as another seed may reverse the "
    "result; use at least three seeds"
)
NONE_FINISHED = (
    "no method is the best: none of the methods in the last look has all its trials, and the others were already shown "
    "to be worse"
)

MORE = "further seeds are being run for the undecided methods; the same command continues with them"


def make(
    plan: Plan,
    metric: str,
    selections: Mapping[str, Selection],
    tuning: Sequence[Outcome],
    finals: Sequence[Outcome],
    *,
    higher: bool,
    earlier: Comparison | None = None,
) -> Comparison:
    """The verdict on all trials. Raises DataError if they cannot be compared.

    earlier: the verdict of the previous look, whose decided pairs stay decided.
    """
    tuning_of, finals_of = _by_method(plan, tuning), _by_method(plan, finals)
    whole = {name: trials for name, trials in finals_of.items() if trials and all(map(_is_finished, trials))}
    tested = Tested(whole, metric)
    seeds = max(map(len, finals_of.values()))
    best = _best({name: each for name, each in tested.scores.items() if len(each.values) == seeds}, higher=higher)
    level = level_of(plan.looks)
    margin = _margin(plan, metric, tested.scores.get(best or "")) if earlier is None else earlier["margin"]
    too_wide = margin_of_all(margin, metric, tested.scores[best].mean) if best else None
    pairs = [
        pair if earlier is None else _decided(pair, earlier) or pair
        for pair in all_pairs(tested, plan.seeds, level=level, margin=margin, higher=higher)
    ]
    methods = [
        method_verdict(
            plan,
            name,
            metric,
            selections[name],
            tuning_of[name],
            finals_of[name],
            tested,
            pairs,
            best=best,
            higher=higher,
        )
        for name in plan.comparison.methods
    ]
    return {
        **_heading(plan, metric, whole, tested, higher=higher),
        "level": level,
        "looks": plan.looks,
        "margin": margin,
        "monte_carlo_error": math.sqrt(level * (1 - level) / DRAWS),
        "complete": len(whole) == len(methods),
        "smallest_difference": _median([pair["detectable"] for pair in pairs]),
        "methods": methods,
        "pairs": pairs,
        "notes": [
            *([too_wide] if too_wide else []),
            *_notes(plan, finals, unfinished=best is None and bool(tested.scores)),
        ],
        "finished": now(),
    }


def write(path: Path, comparison: Comparison) -> None:
    """Write a verdict atomically, with result paths relative to its folder."""
    for method in comparison["methods"]:
        for trial in [*method["tuning"], *method["final"]]:
            trial["result"] = trial["result"].removeprefix(f"{path.parent}/")
    write_json(path, comparison)


def with_note(comparison: Comparison, note: str) -> Comparison:
    """The verdict with one more note."""
    return {**comparison, "notes": [*comparison["notes"], note]}


def not_worse(comparison: Comparison) -> list[str]:
    """The best method and all methods not shown to be worse."""
    return [method["name"] for method in comparison["methods"] if method["tied"]]


def is_decided(comparison: Comparison) -> bool:
    """Whether no method is undecided against the best, so that another look would add nothing."""
    return all(method["answer"] != "undecided" for method in comparison["methods"])


def _decided(pair: PairVerdict, earlier: Comparison) -> PairVerdict | None:
    """The pair as an earlier look decided it; None if it was undecided."""
    before = next(
        (each for each in earlier["pairs"] if (each["first"], each["second"]) == (pair["first"], pair["second"])), None
    )
    if before is None or before["answer"] in {None, "undecided"}:
        return None
    return {"decided_at": len(earlier["seeds"]), **before}


def _margin(plan: Plan, metric: str, best: Scores | None) -> float:
    """The margin within which methods are equivalent: the file's, or the metric's default."""
    if plan.comparison.margin is not None:
        return plan.comparison.margin
    return default_margin(metric, best.mean if best is not None else 1.0)


def _median(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return median(there) if there else None


def _by_method(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    return {name: [each for each in outcomes if each.planned.method == name] for name in plan.comparison.methods}


def _heading(
    plan: Plan, metric: str, whole: Mapping[str, Sequence[Outcome]], tested: Tested, *, higher: bool
) -> Heading:
    comparison = plan.comparison
    first = next((trials[0] for trials in whole.values()), None)
    same = identity(first, metric) if first is not None else {}
    recipe = plan.tuning()[0].recipe
    heading: Heading = {
        "schema": SCHEMA,
        "name": comparison.name,
        "task": recipe.task,
        "model": recipe.model.name,
        "data": {name: same[name] for name in ("data", "model") if name in same},
        "metric": metric,
        "higher_is_better": higher,
        "signature": same.get("metric"),
        "precision": same.get("precision"),
        "trials": comparison.trials if plan.counts_settings else max(map(len, plan.settings.values())),
        "tuning_seeds": comparison.tuning_seeds,
        "seeds": _seeds(plan, tested),
        "examples": tested.examples,
        "test": TEST,
    }
    if comparison.compute is not None:
        heading["compute"] = comparison.compute
    if comparison.search is not None:
        named = comparison.search
        heading["search"] = {"sampler": named.sampler, "prune": named.prune, "examples": plan.allowance}
    if comparison.pscp is not None:
        heading["pscp"] = comparison.pscp.model_dump()
    return heading


def _seeds(plan: Plan, tested: Tested) -> list[int]:
    """train.seed of the final trials: as many as the method with the most has."""
    taken = max((len(each.values) for each in tested.scores.values()), default=plan.looks[0])
    return plan.seeds[:taken]


def _best(scores: Mapping[str, Scores], *, higher: bool) -> str | None:
    """The method with the best mean. scores: of the methods in the last look; the others were shown to be worse."""
    sign = 1 if higher else -1
    return max(scores, key=lambda name: sign * scores[name].mean, default=None)


def _is_finished(outcome: Outcome) -> bool:
    return outcome.status == "finished"


def _notes(plan: Plan, finals: Sequence[Outcome], *, unfinished: bool) -> list[str]:
    notes = [ONE_SEED] if len(plan.seeds) == 1 else []
    notes += [NONE_FINISHED] if unfinished else []
    commits = {each.result["provenance"]["commit"] for each in finals if each.result}
    if len(commits) > 1:
        notes.append(f"the final trials were run by {len(commits)} different commits of pefbench")
    return notes
