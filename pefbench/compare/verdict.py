"""The verdict: which method is best on the test split, which are not shown to be worse, and what each one costs."""

from __future__ import annotations

from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from pefbench.compare import costs, outcomes
from pefbench.compare.choice import value_of
from pefbench.compare.pscp import pscp
from pefbench.compare.search import edges
from pefbench.compare.verdict_schema import SCHEMA, Comparison, Costs, Heading, McNemar, Method, Pair, Test, Trial
from pefbench.results.provenance import now
from pefbench.results.store import write_json
from pefbench.stats.detectable import smallest_difference
from pefbench.stats.expected_best import expected_best
from pefbench.stats.holm import holm
from pefbench.stats.mcnemar import mcnemar
from pefbench.stats.paired import difference, interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench.compare.choice import Chosen
    from pefbench.compare.plan import Outcome, Plan
    from pefbench.results.predictions import Row
    from pefbench.stats.resampling import Scores

LEVEL = 0.05
TEST = (
    "Student's t on the difference of means over seeds; variance: paired bootstrap over test examples (2000 resamples, "
    "seed 0) and between seeds, Satterthwaite's degrees of freedom; Holm over all pairs"
)


class Tested:
    """The final trials of the methods that have all of theirs: scores on the same resamples, answers by example."""

    def __init__(self, finals: Mapping[str, Sequence[Outcome]], metric: str) -> None:
        self.rows = {method: [outcomes.read_rows(each) for each in trials] for method, trials in finals.items()}
        self.finals = finals
        every = [each for trials in finals.values() for each in trials]
        if every:
            outcomes.check_alike(every, [rows for runs in self.rows.values() for rows in runs], metric)
        self.scores: dict[str, Scores] = {
            method: outcomes.scores(trials, self.rows[method], metric) for method, trials in finals.items()
        }
        self.counts_right = outcomes.are_fractions_right([*self.scores.values()], [*self.rows.values()])


def make(
    plan: Plan,
    metric: str,
    chosen: Mapping[str, Chosen],
    tuned: Sequence[Outcome],
    finals: Sequence[Outcome],
    *,
    higher: bool,
) -> Comparison:
    """Return the verdict over what became of all trials. Raises DataError when trials cannot be compared."""
    by_method = {
        method: [each for each in finals if each.planned.method == method] for method in plan.comparison.methods
    }
    whole = {name: trials for name, trials in by_method.items() if trials and all(map(_is_finished, trials))}
    tested = Tested(whole, metric)
    pairs = _pairs(plan, tested)
    best = _best(tested.scores, higher=higher)
    methods = [
        _method(plan, name, metric, chosen[name], tuned, by_method[name], tested, pairs, best=best, higher=higher)
        for name in plan.comparison.methods
    ]
    return {
        **_heading(plan, metric, whole, tested, higher=higher),
        "complete": len(whole) == len(methods),
        "smallest_difference": median(pair["detectable"] for pair in pairs) if pairs else None,
        "methods": methods,
        "pairs": pairs,
        "notes": _notes(finals),
        "finished": now(),
    }


def write(path: Path, comparison: Comparison) -> None:
    """Write a verdict, whole or not at all; results are named from its folder."""
    for method in comparison["methods"]:
        for trial in [*method["tuning"], *method["final"]]:
            trial["result"] = _relative(trial["result"], path.parent)
    write_json(path, comparison)


def _relative(result: str, folder: Path) -> str:
    return result.removeprefix(f"{folder}/")


def _heading(
    plan: Plan, metric: str, whole: Mapping[str, Sequence[Outcome]], tested: Tested, *, higher: bool
) -> Heading:
    comparison = plan.comparison
    first = next((trials[0] for trials in whole.values()), None)
    same = outcomes.identity(first, metric) if first is not None else {}
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
        "trials": comparison.trials,
        "tuning_seeds": comparison.tuning_seeds,
        "seeds": comparison.seeds,
        "examples": next((each.examples for each in tested.scores.values()), None),
        "test": TEST,
    }
    if comparison.pscp is not None:
        heading["pscp"] = comparison.pscp.model_dump()
    return heading


def _method(
    plan: Plan,
    name: str,
    metric: str,
    chosen: Chosen,
    tuned: Sequence[Outcome],
    finals: Sequence[Outcome],
    tested: Tested,
    pairs: Sequence[Pair],
    *,
    best: str | None,
    higher: bool,
) -> Method:
    tuning = [outcome for outcome in tuned if outcome.planned.method == name]
    scores = tested.scores.get(name)
    return {
        "name": name,
        "method": plan.comparison.methods[name].method,
        "settings": plan.settings[name],
        "validation": chosen.values,
        "chosen": chosen.setting,
        "expected_best": _expected(chosen.values, higher=higher),
        "tuning": [_trial(outcome, metric) for outcome in tuning],
        "final": [_trial(outcome, metric) for outcome in finals],
        "test": None if scores is None else _test(scores),
        "best": name == best,
        "tied": None if scores is None else _is_tied(name, best, pairs),
        "costs": None if scores is None else _costs(plan, scores, finals, tuning, higher=higher),
        "notes": [*chosen.notes, *([] if chosen.setting is None else edges(plan.settings[name], chosen.setting))],
    }


def _costs(plan: Plan, scores: Scores, finals: Sequence[Outcome], tuning: Sequence[Outcome], *, higher: bool) -> Costs:
    """Return a method's costs; with the composite score where the file has its constants and higher is better."""
    found = costs.of(finals, tuning)
    if plan.comparison.pscp is not None and higher:
        found["pscp"] = pscp(scores.mean, found, plan.comparison.pscp)
    return found


def _trial(outcome: Outcome, metric: str) -> Trial:
    phases = outcome.result.get("phases", {}) if outcome.result else {}
    return {
        "setting": outcome.planned.setting,
        "seed": outcome.planned.seed,
        "status": outcome.status,
        "error": outcome.error,
        "value": value_of(outcome, metric, outcome.planned.scored[-1]),
        "result": str(outcome.path),
        "train_seconds": phases["train"]["seconds"] if "train" in phases else None,
    }


def _test(scores: Scores) -> Test:
    low, high = interval(scores)
    return {"value": scores.mean, "low": low, "high": high, "values": scores.values.tolist()}


def _expected(values: Sequence[float | None], *, higher: bool) -> list[float]:
    """Return the expected best; a setting that failed counts as the worst that did not."""
    there = [value for value in values if value is not None]
    if not there:
        return []
    worst = min(there) if higher else max(there)
    return expected_best([worst if value is None else value for value in values], higher_is_better=higher)


def _pairs(plan: Plan, tested: Tested) -> list[Pair]:
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
            "mcnemar": _mcnemar(plan, tested.rows[first], tested.rows[second]) if tested.counts_right else [],
        }
        for (first, second), each, p_holm in zip(names, found, adjusted, strict=True)
    ]


def _mcnemar(plan: Plan, first: Sequence[Sequence[Row]], second: Sequence[Sequence[Row]]) -> list[McNemar]:
    found: list[McNemar] = []
    for seed, one, other in zip(plan.comparison.seeds, first, second, strict=True):
        each = mcnemar([row["correct"] for row in one], [row["correct"] for row in other])
        found.append({"seed": seed, "only_first": each.only_first, "only_second": each.only_second, "p": each.p})
    return found


def _best(scores: Mapping[str, Scores], *, higher: bool) -> str | None:
    sign = 1 if higher else -1
    return max(scores, key=lambda name: sign * scores[name].mean, default=None)


def _is_tied(name: str, best: str | None, pairs: Sequence[Pair]) -> bool:
    """Return whether nothing shows that a method differs from the best; of methods alone the best is tied."""
    with_best = [pair for pair in pairs if {pair["first"], pair["second"]} == {name, best}]
    return all(pair["p_holm"] >= LEVEL for pair in with_best)


def _is_finished(outcome: Outcome) -> bool:
    return outcome.status == "finished"


def _notes(finals: Sequence[Outcome]) -> list[str]:
    commits = {each.result["provenance"]["commit"] for each in finals if each.result}
    return [f"the final trials are of {len(commits)} commits of pefbench"] if len(commits) > 1 else []
