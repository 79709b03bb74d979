"""What `pefbench run` prints at the end of a trial: the essentials, on one screen."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench import remarks
from pefbench.analysis.tables.baselines import beside, known
from pefbench.analysis.tables.groups import headline
from pefbench.analysis.tables.summary import round_trip, summary
from pefbench.analysis.tables.wording import interval, readable_seconds, scored, short_model
from pefbench.errors import counted
from pefbench.results.classification_report import render
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pefbench.results.classification_report import Report
    from pefbench.results.schema import MetricValue, Result
    from pefbench.results.store import Stored

MOST_CLASSES = 12
"""Rows of a report that are shown; these are the classes with the most examples."""


def brief(stored: Stored, out: Path | str | None = None) -> str:
    """The headline against the baseline, the first report, the costs, the files and what to do next.

    `summary` shows the rest, and trials that did not finish. out: the folder of results, as the user named it; None:
    the folder that the trial is stored in.
    """
    result = stored.result
    if result["status"] != "finished":
        return summary(stored)
    reports = [f"{name}\n\n{_report(report)}" for name, report in list(result.get("report", {}).items())[:1]]
    return "\n\n".join(
        [_title(result), _scores(result), *reports, _costs(result), _files(stored, out), _next(stored, out)]
    )


def _title(result: Result) -> str:
    recipe = result["recipe"]
    test = result["data"]["splits"]["test"]["examples"]
    train = result["data"]["splits"]["train"]["examples"]
    model = short_model(result["model"]["name"])
    return f"{recipe['name']}: {recipe['method']['name']} on {model}, {train:,} training and {test:,} test examples"


def _scores(result: Result) -> str:
    """The headline on test and on validation, the best baseline, and the other values on test."""
    metric, name = headline(result), result["headline"]
    rows = [(name, scored(metric), _on_test(metric))]
    best = beside(result, known([result]))
    if best["baseline"] is not None:
        found = result["baselines"][best["baseline"]][name]
        verdict = "shown to be beaten" if best["beats_baseline"] else "not shown to be beaten"
        rows.append(
            (
                "baseline",
                scored(found),
                f"{best['baseline']}, the best baseline: {verdict}",
            )
        )
    if validation := result["metrics"].get("validation", {}).get(name):
        rows.append(("validation", scored(validation), ""))
    others = [
        f"{each} {interval(one['value'], None, None)}"
        for each, one in result["metrics"]["test"].items()
        if each != name
    ]
    return "\n".join([*_columns(rows), *_wrapped("also on test: ", others)])


def _on_test(metric: MetricValue) -> str:
    if metric["low"] is None:
        return "test; this metric has no interval"
    doubt = "" if metric.get("reliable", True) else ", which may be too short: few test examples decide the value"
    return f"test, with its 95 % interval{doubt}"


def _report(report: Report) -> str:
    classes = report["classes"]
    if len(classes) <= MOST_CLASSES:
        return render(report).rstrip()
    most = sorted(classes, key=lambda each: -classes[each]["support"])[:MOST_CLASSES]
    shown: Report = {
        "classes": {each: classes[each] for each in classes if each in most},
        "averages": report["averages"],
    }
    return f"{render(shown).rstrip()}\n\n{len(classes) - MOST_CLASSES} classes with fewer examples: --verbose"


def _costs(result: Result) -> str:
    model, train = result["model"], result["phases"]["train"]
    weights = f"{readable(model['trainable_parameters'])} of {readable(model['parameters'])} weights"
    size = "" if model["adapter_bytes"] is None else f"; {readable(model['adapter_bytes'], 'B')} on disk"
    rows = [
        ("trained", weights, f"{model['trainable_percent']:.3g} %{size}"),
        (
            "training",
            readable_seconds(train["seconds"]),
            "; ".join([f"{train['steps']:,} steps", *_scoring(result)]),
        ),
        *_kept(result),
        ("peak memory", readable(train["peak_memory_bytes"], "B"), "in training"),
    ]
    told = remarks.lines(result.get("notes", []), result.get("warnings", []))
    return "\n".join([*_columns(rows), f"round trip: {round_trip(result)}", *told])


def _scoring(result: Result) -> list[str]:
    """How long scoring took: on validation during training, and with the trained model."""
    phases = result["phases"]
    found = [f"evaluation {readable_seconds(phases['evaluate']['seconds'])}"]
    if "validate" in phases:
        others = [phases["load"], phases["tokenize"], phases["train"], phases["evaluate"]]
        seconds = phases["validate"]["seconds"]
        share = seconds / (seconds + sum(phase["seconds"] for phase in others))
        found.insert(0, f"validation during training {readable_seconds(seconds)} ({100 * share:.0f} % of the trial)")
    return found


def _kept(result: Result) -> list[tuple[str, str, str]]:
    """Which step was kept and why training ended, unless that is the schedule's last step."""
    kept = result.get("kept")
    if kept is None or (kept["chosen"] == "last" and kept["stopped"] == "end"):
        return []
    why = f"the best {result['headline']} on validation" if kept["chosen"] == "best" else "the last"
    waited = counted(result["recipe"]["train"].get("patience", 0), "evaluation")
    ended = f"; stopped after {waited} without improvement" if kept["stopped"] == "patience" else ""
    step = f"step {kept['step']:,} of {kept['planned']:,}"
    return [("kept", step, f"epoch {kept['epoch']:.3g}, {why}{ended}")]


def _files(stored: Stored, out: Path | str | None) -> str:
    saved = stored.result.get("artifacts")
    paths = {"result": str(stored.path)}
    if saved is not None:
        found = {"model": saved["folder"], "predictions": saved["predictions"]}
        paths |= {name: str(stored.path.parent / path) for name, path in found.items() if path is not None}
    # Of a trial that ran elsewhere, a store's mirror has the result and its predictions, but not the model.
    if "model" in paths and "://" in str(out) and not Path(paths["model"]).exists():
        paths["model"] = f"only in the store, below {out}/{stored.path.parent.name}/{stored.path.stem}"
    return "\n".join(_columns([(name, path, "") for name, path in paths.items()]))


def _next(stored: Stored, out: Path | str | None) -> str:
    out = out or stored.path.parent.parent
    commands = [
        (f"pefbench report {out} --out report.html", "plots, and the examples that it gets wrong"),
        (f"pefbench table {out}", "this trial beside the others"),
        ("the same command with --verbose", "every metric, baseline and report"),
    ]
    return "\n".join(["next:", *_columns([("", command, what) for command, what in commands])])


def _columns(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{name:{widths[0]}}  {value:{widths[1]}}  {note}".rstrip() for name, value, note in rows]


def _wrapped(begin: str, items: Iterable[str], width: int = 110) -> list[str]:
    """The items on lines of at most `width` characters, aligned after `begin`; no item is broken."""
    text = ", ".join(item.replace(" ", "\0") for item in items)
    lines = textwrap.wrap(text, width, initial_indent=begin, subsequent_indent=" " * len(begin)) if text else []
    return [line.replace("\0", " ") for line in lines]
