"""All comparisons of two folders of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.checks import predictions, quality, seeds
from pefbench.analysis.checks.costs import costs
from pefbench.analysis.checks.matching import match, name
from pefbench.analysis.checks.model import COMPARED, FILE, NO_METRIC, TRIAL, Finding
from pefbench.analysis.checks.together import together
from pefbench.analysis.tables.groups import tested_on
from pefbench.errors import UserError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pefbench.analysis.checks.matching import Match, Pair
    from pefbench.analysis.checks.model import Tolerances, Verdict
    from pefbench.analysis.checks.predictions import Paired
    from pefbench.analysis.checks.seeds import SeedGroup
    from pefbench.results.schema import Result
    from pefbench.results.store import Stored


def check(
    results: Sequence[Stored],
    baseline: Sequence[Stored],
    tolerances: Tolerances,
    *,
    by: Match = "id",
    damaged: Sequence[str] = (),
) -> list[Finding]:
    """Compare each trial of the baseline with the newest result of the same id, or of the same recipe.

    Test metrics, training time and peak memory in training are compared. Imported results are skipped, because their
    files do not change. Having nothing to compare is a failure, and so is each file in `damaged`, which could not be
    read. Raises UserError if a tolerance names a metric that no baseline trial has.
    """
    pairs, new = match(_own(results), _own(baseline), by)
    _refuse_unknown_metrics(tolerances, (pair.old.result for pair in pairs))
    settings = seeds.settings(pairs, new)
    paired, refused = predictions.compare(_testable(settings, tolerances))
    findings = [finding for setting in settings for finding in _setting(setting, tolerances, paired, refused)]
    findings += together([each.lead for each in settings if _obstacle(each.lead) is None], tolerances, paired)
    known = {id(each) for setting in settings for each in (*setting.new, *setting.more)}
    findings += [
        Finding(name(each), TRIAL, "", each.result["status"], "new", "no baseline for this trial")
        for each in new
        if id(each) not in known
    ]
    findings += [Finding(problem.partition(": ")[0], FILE, "", "", "damaged", problem) for problem in damaged]
    if not any(finding.subject not in NO_METRIC and finding.verdict in COMPARED for finding in findings):
        nothing = "no trial could be compared with the baseline"
        findings.append(Finding("all", TRIAL, "", "", "not comparable", nothing))
    return findings


def _own(results: Sequence[Stored]) -> list[Stored]:
    return [stored for stored in results if "foreign" not in stored.result]


def _refuse_unknown_metrics(tolerances: Tolerances, baseline: Iterable[Result]) -> None:
    known = {name for result in baseline for name in result.get("metrics", {}).get("test", {})}
    for metric in tolerances.metrics:
        if metric not in known:
            raise UserError(f"tolerance for {metric!r}, which no baseline trial measures; {suggest(metric, known)}")


def _testable(settings: Sequence[SeedGroup], tolerances: Tolerances) -> Iterator[SeedGroup]:
    """The settings that a test decides: none if the user gave a tolerance for all metrics."""
    if tolerances.metric is None:
        yield from (each for each in settings if each.lead.new is not None and _obstacle(each.lead) is None)


def _setting(
    setting: SeedGroup, tolerances: Tolerances, paired: Mapping[tuple[str, str], Paired], refused: Mapping[str, str]
) -> Iterator[Finding]:
    """The findings for all seeds of a setting; tested metrics are listed under the first seed."""
    yield from _pair(setting.lead, tolerances, paired, refused)
    tests = {metric for key, metric in paired if key == setting.lead.old.result["id"]}
    tested = {metric for metric in tests if tolerances.of(metric) is None}
    for pair in setting.others:
        if pair.new is None and setting.lead.new is not None:
            told = "this seed was not run again; others were"
            yield Finding(pair.name, TRIAL, pair.old.result["status"], "", "not compared", told)
        else:
            yield from (each for each in _pair(pair, tolerances, {}, {}) if each.subject not in tested)


def _pair(
    pair: Pair, tolerances: Tolerances, paired: Mapping[tuple[str, str], Paired], refused: Mapping[str, str]
) -> Iterator[Finding]:
    old, new = pair.old.result, pair.new.result if pair.new else None
    if obstacle := _obstacle(pair):
        yield Finding(pair.name, TRIAL, old["status"], new["status"] if new else "", *obstacle)
    elif new is not None:
        if pair.changed:
            yield Finding(pair.name, TRIAL, old["id"], new["id"], "not compared", f"settings changed: {pair.changed}")
        if reason := refused.get(old["id"]):
            yield Finding(pair.name, TRIAL, "", "", "not compared", f"no paired test: {reason}")
        yield from quality.metrics(pair, new, tolerances, paired)
        yield from costs(pair.name, old, new, tolerances)


def _obstacle(pair: Pair) -> tuple[Verdict, str] | None:
    """Why two results cannot be compared at all; None if they can."""
    if pair.new is None:
        why = pair.sibling or "a changed recipe or data set has another id"
        return "missing", f"no result with this id ({why})"
    old, new = pair.old.result, pair.new.result
    if new["status"] == "failed":
        return "failed", f"failed: {new['error'] or 'no reason recorded'}"
    if old["status"] == "failed":
        return "better", "finished now, failed in the baseline"
    differs = _unlike(old, new)
    return ("not comparable", f"not comparable: {differs}") if differs else None


def _unlike(old: Result, new: Result) -> str:
    """A difference between two finished results that rules out any comparison; empty if there is none."""
    if old["data"]["fingerprint"] != new["data"]["fingerprint"]:
        return "the data's fingerprint differs"
    if old["model"]["fingerprint"] != new["model"]["fingerprint"]:
        return "the base model's fingerprint differs"
    was, now = tested_on(old), tested_on(new)
    return "" if was == now else f"{now}, was {was}"
