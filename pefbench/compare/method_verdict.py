"""One method of a verdict: its tuning, its final trials, its score on test and its costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.compare import costs
from pefbench.compare.pairs import against_best
from pefbench.compare.pscp import pscp
from pefbench.compare.search import edges
from pefbench.compare.selection import value_of
from pefbench.stats.expected_best import of_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.compare.plan import Outcome, Plan
    from pefbench.compare.selection import Selection
    from pefbench.compare.tested import Tested
    from pefbench.results.verdict_schema import Costs, MethodVerdict, PairVerdict, Test, TrialEntry
    from pefbench.stats.resampling import Scores


def method_verdict(
    plan: Plan,
    name: str,
    metric: str,
    selection: Selection,
    tuning: Sequence[Outcome],
    finals: Sequence[Outcome],
    tested: Tested,
    pairs: Sequence[PairVerdict],
    *,
    best: str | None,
    higher: bool,
) -> MethodVerdict:
    """The verdict's entry for one method. tuning, finals: its trials."""
    settings, scores = plan.settings[name], tested.scores.get(name)
    found = None if scores is None else _costs(plan, scores, finals, tuning, higher=higher)
    answer = against_best(name, best, pairs)
    return {
        "name": name,
        "method": plan.comparison.methods[name].method,
        "settings": settings,
        "validation": selection.values,
        "chosen": selection.setting,
        "expected_best": of_settings(selection.values, higher_is_better=higher),
        "tuning_examples": plan.spent(name),
        "tuning": [_trial(outcome, metric) for outcome in tuning],
        "final": [_trial(outcome, metric) for outcome in finals],
        "test": None if scores is None else _test(scores, tested.intervals[name]),
        "best": name == best,
        "tied": None if best is None or scores is None or len(scores.values) == 1 else answer != "worse",
        "answer": answer if scores is not None else None,
        "costs": found,
        "notes": [
            *selection.notes,
            *([] if selection.setting is None else edges(settings, selection.setting)),
            *([] if found is None else costs.notes(found)),
        ],
    }


def _costs(plan: Plan, scores: Scores, finals: Sequence[Outcome], tuning: Sequence[Outcome], *, higher: bool) -> Costs:
    """A method's costs; with the composite score if the file sets its constants and higher is better."""
    found = costs.of(finals, tuning)
    if plan.comparison.pscp is not None and higher:
        found["pscp"] = pscp(scores.mean, found, plan.comparison.pscp)
    return found


def _trial(outcome: Outcome, metric: str) -> TrialEntry:
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


def _test(scores: Scores, interval: tuple[float, float] | tuple[None, None]) -> Test:
    low, high = interval
    return {"value": scores.mean, "low": low, "high": high, "values": scores.values.tolist()}
