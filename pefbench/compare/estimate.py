"""Renders the plan of a comparison as text, with a time estimate from earlier trials."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from pefbench.analysis.tables import readable_seconds
from pefbench.compare.levels import level_of
from pefbench.errors import DataError, counted
from pefbench.results.schema import ID, read_time
from pefbench.results.store import read_result
from pefbench.search.space import label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench.compare.plan import Outcome, Plan
    from pefbench.compare.selection import Selection
    from pefbench.results.schema import Result

ALIKE = (("task", "model", "data", "method"), ("task", "model", "data"))
"""Recipe sections in which an earlier trial must be equal to serve as an estimate. If no trial matches the first list,
the second is used: methods differ less in time than tasks and models do. Training is scaled by the examples seen."""


def render(
    plan: Plan,
    selections: Mapping[str, Selection],
    outcomes: Sequence[Outcome],
    out: Path,
    workers: int,
    later: Sequence[Outcome] = (),
) -> str:
    """The plan as text: what each method tries, which trials are done, and how long the rest may take.

    later: the trials of further looks, which only run if methods are undecided.
    """
    comparison = plan.comparison
    known = earlier(out)
    todo = [outcome for outcome in outcomes if outcome.status == "missing"]
    seconds = [_seconds(outcome, known) for outcome in todo]
    heading = (
        f"{comparison.name}: {counted(len(comparison.methods), 'method')}, "
        f"{_budget(plan)} on {counted(len(comparison.tuning_seeds), 'tuning seed')}, "
        f"then {counted(plan.looks[0], 'final seed')}: "
        f"{counted(len(outcomes), 'trial')}, {len(outcomes) - len(todo)} already done"
    )
    lines = [heading]
    for method, settings in plan.settings.items():
        selected = selections[method].setting
        picked = f"; chosen: {label(settings[selected])}" if selected is not None else ""
        lines.append(f"  {method}: {_settings(plan, method)}{picked}")
    lines += [f"  to run: {outcome.planned.text}{_about(each)}" for outcome, each in zip(todo, seconds, strict=True)]
    left = {method: plan.left(method) * len(comparison.tuning_seeds) for method in plan.settings}
    if sum(left.values()):
        lines.append(f"  and {counted(sum(left.values()), 'tuning trial')} with settings that depend on these")
        like = {outcome.planned.method: outcome for outcome in outcomes}
        seconds += [_seconds(like[method], known) for method, number in left.items() for _ in range(number)]
    lines.append(_total(seconds, workers))
    if later:
        lines += _further(plan, [each for each in later if each.status == "missing"], known, workers)
    return "\n".join(lines)


def _budget(plan: Plan) -> str:
    compute, search = plan.comparison.compute, plan.comparison.search
    if search is not None:
        return f"settings proposed by {search.sampler} that see up to {plan.allowance:,} training examples each"
    if compute is None:
        return f"{counted(plan.comparison.trials, 'setting')} each"
    return f"settings that see up to {compute:,} training examples each"


def _settings(plan: Plan, method: str) -> str:
    """A method's settings and how many more its budget allows; approximate if settings may differ in epochs."""
    if plan.comparison.search is not None:
        return ", ".join(plan.comparison.methods[method].search)
    shown, left, compute = "; ".join(map(label, plan.settings[method])), plan.left(method), plan.comparison.compute
    if compute is None:
        return f"{shown}; then {left} more" if left else shown
    about = "about" if "train.epochs" in plan.comparison.methods[method].search else "up to"
    return f"{shown} ({plan.spent(method):,} examples seen); then {about} {left} more"


def _further(plan: Plan, later: Sequence[Outcome], known: Sequence[Result], workers: int) -> list[str]:
    """The most that further looks may take."""
    first, *rest = plan.looks
    levels = (
        f"looks: at {first} seeds; if a method is then undecided against the best, at {' and '.join(map(str, rest))} "
        f"seeds for all not shown to be worse; each look at {level_of(plan.looks):g}"
    )
    most = f"further looks: at most {counted(len(later), 'trial')} more"
    return [levels, f"{most}; {_total([_seconds(each, known) for each in later], workers)}"]


def earlier(out: Path) -> list[Result]:
    """Every finished trial below `out`, tuning trials included; damaged files are skipped."""
    found = []
    for path in sorted(out.rglob("*.json")) if out.exists() else []:
        if ID.fullmatch(path.stem):
            try:
                result = read_result(path)
            except DataError:
                continue
            if result["status"] == "finished" and "foreign" not in result:
                found.append(result)
    return found


def _seconds(outcome: Outcome, known: Sequence[Result]) -> float | None:
    """How long a trial may take: the median of the most similar trials, scaled; None if there are none."""
    recipe = outcome.planned.recipe.resolved()
    for sections in ALIKE:
        like = [
            _scaled(result, recipe["train"])
            for result in known
            if all(result["recipe"].get(section) == recipe[section] for section in sections)
        ]
        if like:
            return median(like)
    return None


def _scaled(result: Result, train: Mapping[str, Any]) -> float:
    """The duration of a finished trial, had it been trained with these settings."""
    before = result["recipe"]["train"]
    epochs, wall, phases = train["epochs"] / before["epochs"], _wall(result), result["phases"]
    training = min(wall, phases["train"]["seconds"])
    validating = min(wall - training, phases["validate"]["seconds"] if "validate" in phases else 0.0)
    more = _examples(result, train.get("max_examples")) / result["data"]["splits"]["train"]["examples"]
    return float(wall - training - validating + epochs * (training * more + validating))


def _examples(result: Result, limit: int | None) -> int:
    """The number of training examples of a trial on a result's data with this limit."""
    found, before = result["data"]["splits"]["train"]["examples"], result["recipe"]["train"].get("max_examples")
    if limit is None or (before is not None and found >= before):  # the size of the whole split is unknown
        return limit or found
    return min(limit, found)


def _wall(result: Result) -> float:
    source: Any = result["provenance"]
    if "resumed" in source:  # time between a stop and the next start does not count
        phases: Any = result["phases"]
        return float(sum(phase["seconds"] for phase in phases.values()))
    return (read_time(source["finished"]) - read_time(source["started"])).total_seconds()


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f" (about {readable_seconds(seconds)})"


def _total(seconds: Sequence[float | None], workers: int) -> str:
    there = [each for each in seconds if each is not None]
    if not seconds:
        return "nothing is left to run"
    if not there:
        return "time: unknown; no similar trial has been run yet"
    unknown = len(seconds) - len(there)
    rest = f", and {counted(unknown, 'trial')} of unknown duration" if unknown else ""
    beside = f" with {workers} workers, if they do not slow each other down" if workers > 1 else ""
    least = max(sum(there) / workers, *there)  # idle workers do not make a trial shorter
    return f"time: about {readable_seconds(least)}{beside}{rest}"
