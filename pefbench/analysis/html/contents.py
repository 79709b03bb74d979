"""The report's data, gathered from results: groups of comparable trials, failed trials, machines."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, TypeGuard

from pefbench.analysis.html import examples, sentences
from pefbench.analysis.html.searches import searches
from pefbench.analysis.tables import baselines, paired_runs
from pefbench.analysis.tables.groups import comparable, heading, in_common
from pefbench.analysis.tables.marks import Tests, marks
from pefbench.analysis.tables.replicates import replicates_by_group
from pefbench.analysis.tables.titles import titles
from pefbench.results.store import newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.analysis.html.data import EnvironmentData, FailureData, GroupData, MetricData, PageData, SettingData
    from pefbench.analysis.tables.baselines import Known
    from pefbench.analysis.tables.marks import Mark
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.analysis.tables.row import BaselineColumns
    from pefbench.results.schema import Result
    from pefbench.results.search_schema import Found
    from pefbench.results.store import Stored
    from pefbench.results.verdict_schema import Comparison

CURVE_POINTS = 120


def contents(
    results: Sequence[Stored], verdicts: Sequence[Comparison] = (), searched: Sequence[Found] = ()
) -> PageData:
    """The report's data. verdicts: of comparisons, for their paired tests. searched: records of searches."""
    shown = newest(results)[0]
    known = baselines.known(stored.result for stored in shown)
    tests = Tests(verdicts)
    finished = [stored for stored in shown if stored.result["status"] == "finished"]
    return {
        "searches": searches(searched),
        "groups": _groups([*replicates_by_group(shown, verdicts).values()], tests, known),
        "failed": [_failed(stored.result) for stored in shown if stored.result["status"] == "failed"],
        "environments": _environments(finished),
    }


def _groups(groups: Sequence[Sequence[Replicates]], tests: Tests, known: Known) -> list[GroupData]:
    called = titles([in_common(members[0].first) for members in groups])
    return [_group(title, members, tests, known) for title, members in zip(called, groups, strict=True)]


def _group(title: str, members: Sequence[Replicates], tests: Tests, known: Known) -> GroupData:
    first, found = members[0].first, marks(members, tests)
    metric, signature, _, _, precision, *_ = comparable(first)
    rows = [each.beside(known) for each in members]
    return {
        "task": first["recipe"]["task"],
        "title": title,
        "heading": heading(first),
        "source": first["data"]["source"],
        "precision": precision,
        "metric": metric,
        "signature": signature,
        "higher": members[0].sign > 0,
        "verdict": sentences.verdict(members, found, tests),
        "caveats": [*_paired(members), *sentences.caveats(members, rows)],
        "settings": [_setting(each, mark, row) for each, mark, row in zip(members, found, rows, strict=True)],
        "examples": examples.differing(members),
    }


def _paired(members: Sequence[Replicates]) -> list[str]:
    """Sentences on imported runs against the best, question by question."""
    return [
        f"{line}." for line in paired_runs.lines([each.trials[0] for each in members], [each.name for each in members])
    ]


def _setting(each: Replicates, mark: Mark, baseline: BaselineColumns) -> SettingData:
    return {
        "name": each.name,
        "method": each.method,
        "mark": mark,
        "seeds": len(each.trials),
        "metrics": _metrics(each),
        "baseline": baseline,
        "trained": each.trained,
        "percent": each.trained_percent,
        "adapter_bytes": each.adapter_bytes,
        "seconds": each.seconds,
        "memory_bytes": each.memory_bytes,
        "curve": thinned(each.first.get("curve", [])),
        "validation": on_validation(each.first.get("curve", [])),
        "kept": _rounded(kept["epoch"]) if (kept := each.first.get("kept")) else None,
        "reports": each.first.get("report", {}),
    }


def _metrics(each: Replicates) -> dict[str, MetricData]:
    """The headline with its interval over seeds, then the other test metrics, with an interval if there is one run."""
    runs = [stored.result["metrics"]["test"] for stored in each.trials]
    head = each.first["headline"]
    found: dict[str, MetricData] = {
        head: {
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "reliable": each.reliable,
            "higher": each.sign > 0,
        }
    }
    for name, metric in runs[0].items():
        if name != head and all(name in run for run in runs):
            ends = (metric["low"], metric["high"]) if len(runs) == 1 else (None, None)
            mean = statistics.fmean(run[name]["value"] for run in runs)
            found[name] = {
                "value": mean,
                "low": ends[0],
                "high": ends[1],
                "reliable": metric.get("reliable", True),
                "higher": metric["higher_is_better"],
            }
    return found


def thinned(curve: Sequence[Mapping[str, object]], most: int = CURVE_POINTS) -> list[list[float]]:
    """(epoch, loss) at each point of a curve; a long one is averaged over intervals."""
    points = [
        (float(epoch), float(loss))
        for point in curve
        if _is_number(epoch := point.get("epoch")) and _is_number(loss := point.get("loss"))
    ]
    size = max(1, -(-len(points) // most))
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [[_rounded(part[-1][0]), _rounded(statistics.fmean(loss for _, loss in part))] for part in parts]


def on_validation(curve: Sequence[Mapping[str, object]]) -> dict[str, list[list[float]]]:
    """(epoch, value) of each metric at the points of a curve that have scores on validation."""
    found: dict[str, list[list[float]]] = {}
    for point in curve:
        epoch, scores = point.get("epoch"), point.get("validation")
        if _is_number(epoch) and isinstance(scores, dict):
            for name, value in scores.items():
                if _is_number(value):
                    found.setdefault(str(name), []).append([_rounded(float(epoch)), _rounded(float(value))])
    return found


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) in {int, float}


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _failed(result: Result) -> FailureData:
    recipe = result["recipe"]
    error = " ".join((result["error"] or "not recorded").split())
    return {"recipe": recipe["name"], "task": recipe["task"], "method": recipe["method"]["name"], "error": error}


def _environments(results: Sequence[Stored]) -> list[EnvironmentData]:
    """Each machine with its versions and code, the one with the most trials first; imported runs have no machine."""
    found: dict[str, EnvironmentData] = {}
    for stored in results:
        provenance = stored.result["provenance"]
        if "hardware" not in provenance:
            continue
        new: EnvironmentData = {
            "hardware": provenance["hardware"],
            "packages": provenance["packages"],
            "world_size": provenance["world_size"],
            "precision": provenance["precision"],
            "commit": provenance["commit"],
            "dirty": provenance["dirty"],
            "trials": 0,
            "finished": "",
        }
        each = found.setdefault(repr(new), new)
        each["trials"] += 1
        each["finished"] = max(each["finished"], provenance["finished"])
    return sorted(found.values(), key=lambda each: -each["trials"])
