"""What the report shows, as data: groups of trials that can be compared, failed trials, machines."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from pefbench.analysis.html import examples, sentences
from pefbench.analysis.tables import baselines
from pefbench.analysis.tables.groups import comparable, heading
from pefbench.analysis.tables.marks import Tests, marks
from pefbench.analysis.tables.replicates import replicates_by_group
from pefbench.analysis.tables.wording import short_model
from pefbench.results.store import newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.analysis.tables.marks import Mark, Verdict
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.results.schema import Metric, Result
    from pefbench.results.store import Stored

    Known = Mapping[tuple[Any, ...], dict[str, Metric]]

CURVE_POINTS = 120


def contents(results: Sequence[Stored], verdicts: Sequence[Verdict] = ()) -> dict[str, Any]:
    """Return the report's data: groups, failed trials, environments."""
    shown = newest(results)[0]
    known = baselines.known(stored.result for stored in shown)
    tests = Tests(verdicts)
    finished = [stored for stored in shown if stored.result["status"] == "finished"]
    return {
        "groups": [_group(members, tests, known) for members in replicates_by_group(shown).values()],
        "failed": [_failed(stored.result) for stored in shown if stored.result["status"] == "failed"],
        "environments": _environments(finished),
    }


def _group(members: Sequence[Replicates], tests: Tests, known: Known) -> dict[str, Any]:
    first, found = members[0].first, marks(members, tests)
    metric, signature, _, _, precision = comparable(first)
    rows = [baselines.beside(each.first, known) for each in members]
    return {
        "task": first["recipe"]["task"],
        "model": short_model(first["recipe"]["model"]["name"]),
        "heading": heading(first),
        "source": first["data"]["source"],
        "precision": precision,
        "metric": metric,
        "signature": signature,
        "higher": members[0].sign > 0,
        "verdict": sentences.verdict(members, found, tests),
        "caveats": sentences.caveats(members, rows),
        "settings": [_setting(each, mark, row) for each, mark, row in zip(members, found, rows, strict=True)],
        "examples": examples.differing(members),
    }


def _setting(each: Replicates, mark: Mark, baseline: dict[str, Any]) -> dict[str, Any]:
    phases = each.first["phases"]["train"]
    return {
        "name": each.name,
        "method": each.method,
        "mark": mark,
        "seeds": len(each.trials),
        "metrics": _metrics(each),
        "baseline": baseline,
        "trained": each.trained,
        "percent": each.first["model"]["trainable_percent"],
        "adapter_bytes": each.adapter_bytes,
        "seconds": each.seconds,
        "memory_bytes": each.memory_bytes or None,
        "tokens_per_second": phases["tokens_per_second"],
        "curve": thinned(each.first.get("curve", [])),
        "reports": each.first.get("report", {}),
    }


def _metrics(each: Replicates) -> dict[str, dict[str, Any]]:
    """Return the headline with its interval over seeds, then other test metrics: their mean, an interval of one run."""
    runs = [stored.result["metrics"]["test"] for stored in each.trials]
    head = each.first["headline"]
    found = {head: {"value": each.value, "low": each.low, "high": each.high, "higher": each.sign > 0}}
    for name, metric in runs[0].items():
        if name != head and all(name in run for run in runs):
            ends = (metric["low"], metric["high"]) if len(runs) == 1 else (None, None)
            mean = statistics.fmean(run[name]["value"] for run in runs)
            found[name] = {"value": mean, "low": ends[0], "high": ends[1], "higher": metric["higher_is_better"]}
    return found


def thinned(curve: Sequence[Mapping[str, Any]], most: int = CURVE_POINTS) -> list[list[float]]:
    """Return (epoch, loss) of a curve; of a long one means of as many stretches as may be shown."""
    points = [
        (point["epoch"], point["loss"]) for point in curve if _is_number(point, "epoch") and _is_number(point, "loss")
    ]
    size = max(1, -(-len(points) // most))
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [[_rounded(part[-1][0]), _rounded(statistics.fmean(loss for _, loss in part))] for part in parts]


def _is_number(point: Mapping[str, Any], name: str) -> bool:
    return type(point.get(name)) in {int, float}


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _failed(result: Result) -> dict[str, Any]:
    recipe = result["recipe"]
    error = " ".join((result["error"] or "not recorded").split())
    return {"recipe": recipe["name"], "task": recipe["task"], "method": recipe["method"]["name"], "error": error}


def _environments(results: Sequence[Stored]) -> list[dict[str, Any]]:
    """Return each machine, with the versions and the code, and how many trials ran on it."""
    found: dict[str, dict[str, Any]] = {}
    for stored in results:
        provenance = stored.result["provenance"]
        own = {name: provenance[name] for name in ("hardware", "packages", "world_size", "precision")}
        commit = {"commit": provenance["commit"], "dirty": provenance["dirty"]}
        each = found.setdefault(repr({**own, **commit}), {**own, **commit, "trials": 0, "finished": ""})
        each["trials"] += 1
        each["finished"] = max(each["finished"], provenance["finished"])
    return sorted(found.values(), key=lambda each: -each["trials"])
