"""Everything that a trial measured, as `pefbench run --verbose` prints it at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import remarks
from pefbench.analysis.tables.formats import grid
from pefbench.analysis.tables.listing import table
from pefbench.analysis.tables.wording import readable_seconds, scored
from pefbench.results.classification_report import render

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue, Result
    from pefbench.results.store import Stored


def summary(stored: Stored) -> str:
    """Every metric, baseline and report of a trial, without a newline at the end."""
    result = stored.result
    parts = [table([stored])]
    if metrics := result.get("metrics"):
        parts.append(_metrics_table(metrics, result.get("baselines", {})))
    parts += [f"{name}\n\n{render(report).rstrip()}" for name, report in result.get("report", {}).items()]
    lines = remarks.lines(result.get("notes", []), result.get("warnings", []))
    if result["status"] == "finished":
        lines.insert(0, f"round trip: {round_trip(result)}")
    return "\n\n".join([*parts, "\n".join([*lines, f"result: {stored.path}"])])


def _metrics_table(metrics: dict[str, dict[str, MetricValue]], baselines: dict[str, dict[str, MetricValue]]) -> str:
    scores = {split: metrics[split] for split in sorted(metrics)}
    scores |= {f"test, {name} baseline": found for name, found in baselines.items()}
    return grid(
        [
            {
                "split": split,
                "metric": name,
                "value [95 % interval]": scored(metric),
                "examples": "unknown" if metric["examples"] is None else f"{metric['examples']:,}",
                "better": "higher" if metric["higher_is_better"] else "lower",
            }
            for split, found in scores.items()
            for name, metric in found.items()
        ],
        "text",
    )


def round_trip(result: Result) -> str:
    """The result of loading the saved model in a fresh process and predicting again."""
    trip = result.get("round_trip")
    if trip is None:
        return "not run"
    verdict = "reproduced" if trip["reproduced"] else "NOT reproduced: the saved model predicts differently;"
    differ = trip.get("differ", 0)
    but = f" but for {differ}, within a GPU's rounding" if differ else ""
    return f"{verdict} {trip['examples']:,} predictions in a fresh process{but}, {readable_seconds(trip['seconds'])}"
