"""A verdict read from its file, and shown as a table. Imports nothing heavy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from tabulate import tabulate

from pefbench.analysis.tables import interval, readable_seconds
from pefbench.compare.search import label
from pefbench.errors import DataError, counted
from pefbench.results.shape import mismatch
from pefbench.results.store import readable
from pefbench.results.verdict_schema import SCHEMA, Comparison, is_about_methods

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.verdict_schema import MethodVerdict, PairVerdict

BEST, UNDECIDED = "**", "*"


def read(path: Path) -> Comparison:
    """Read ``comparison.json``. Raises DataError when it is damaged, or of another schema."""
    try:
        value = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no comparison can be read there ({type(error).__name__})") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise DataError(f"{path}: not a comparison of schema {SCHEMA}")
    if found := mismatch(Comparison, value):
        raise DataError(f"{path}: damaged comparison: {found[1:]}")
    return cast("Comparison", value)


def render(comparison: Comparison) -> str:
    """Return the verdict for people: methods, best first, then all pairs, then what is not finished."""
    blocks = [_heading(comparison), _methods(comparison)]
    legends = [_legend(comparison) if comparison["pairs"] else "", _costs_legend(comparison)]
    if shown := [legend for legend in legends if legend]:
        blocks.append("\n".join(shown))
    if comparison["pairs"]:
        blocks.append(_pairs(comparison["pairs"]))
    blocks += ["\n".join(lines) for lines in (_tuning(comparison), _troubles(comparison)) if lines]
    return "\n\n".join(blocks)


def _heading(comparison: Comparison) -> str:
    better = "higher" if comparison["higher_is_better"] else "lower"
    tested = f", {comparison['examples']} test examples" if comparison["examples"] else ""
    return (
        f"{comparison['name']}: {comparison['metric']} on test, {better} is better; "
        f"{counted(comparison['trials'], 'setting')} a method, chosen on validation; "
        f"{counted(len(comparison['seeds']), 'seed')}{tested}"
    )


def _methods(comparison: Comparison) -> str:
    sign = -1 if comparison["higher_is_better"] else 1
    ordered = sorted(
        comparison["methods"],
        key=lambda method: (method["test"] is None, sign * (method["test"] or {"value": 0})["value"]),
    )
    headers = ["", "Method", "Selection", comparison["metric"], "p against best", "Could have shown"]
    headers += ["Trainable", "Adapter", "Training", "Tuning", "Peak memory", "Test of 1,000", "merged"]
    headers += ["PSCP"] if "pscp" in comparison else []
    best = next((method["name"] for method in ordered if method["best"]), None)
    width = len(headers)
    rows = [[*_quality(method, best, comparison["pairs"]), *_costs(method)][:width] for method in ordered]
    return tabulate(rows, headers, disable_numparse=True)


def _quality(method: MethodVerdict, best: str | None, pairs: Sequence[PairVerdict]) -> list[str]:
    # Without a verdict on methods, as with one seed, none is marked.
    mark = "" if method["tied"] is None else BEST if method["best"] else UNDECIDED if method["tied"] else ""
    chosen = label(method["settings"][method["chosen"]]) if method["chosen"] is not None else ""
    test = method["test"]
    value = interval(test["value"], test["low"], test["high"]) if test else "not finished"
    pair = next((pair for pair in pairs if {pair["first"], pair["second"]} == {method["name"], best}), None)
    against = [_p(pair["p_holm"]), _detectable(pair)] if pair else ["", ""]
    return [mark, method["name"], chosen, value, *against]


def _detectable(pair: PairVerdict) -> str:
    # Scores that never vary, as where all answers are right, say nothing of what other data would show.
    return f"{pair['detectable']:.3f}" if pair["standard_error"] else "unknown"


def _costs(method: MethodVerdict) -> list[str]:
    costs = method["costs"]
    if costs is None:
        return [""] * 8
    return [
        f"{readable(costs['trainable_parameters'])} ({costs['trainable_percent']:.3g} %)",
        readable(costs["adapter_bytes"], "B") if costs["adapter_bytes"] is not None else "",
        readable_seconds(costs["train_seconds"]),
        readable_seconds(costs["tuning_seconds"]),
        readable(max(costs["peak_memory_bytes"].values()), "B"),
        *(_seconds(costs.get(name)) for name in ("inference_seconds_per_1000", "merged_seconds_per_1000")),
        f"{costs['pscp']:.3f}" if costs.get("pscp") is not None else "",
    ]


def _legend(comparison: Comparison) -> str:
    if not is_about_methods(comparison):
        return "One seed: p tells whether these runs differ on this test split. It says nothing about the methods."
    marks = f"{BEST} best   {UNDECIDED} undecided: not shown to differ from the best, at 5 % over all pairs (Holm)\n"
    smallest = comparison["smallest_difference"]
    if not smallest:
        return f"{marks}Scores do not vary over test examples and seeds: what this test could have shown is unknown."
    return (
        f"{marks}With this test split and these seeds, a pair's true difference of {smallest:.3f} (median over pairs) "
        "would be shown in 80 % of cases; smaller ones mostly not."
    )


def _costs_legend(comparison: Comparison) -> str:
    """What the two columns of seconds are, where there are any."""
    found = [method["costs"] for method in comparison["methods"] if method["costs"] is not None]
    if all(costs.get("inference_seconds_per_1000") is None for costs in found):
        return ""
    return "Test of 1,000: time to predict 1,000 test examples; merged: with the adapter merged into the weights."


def _pairs(pairs: Sequence[PairVerdict]) -> str:
    by_seed = any(pair["mcnemar"] for pair in pairs)
    headers = ["Pair", "Difference", "p", "p (Holm)", *(["McNemar p, by seed"] if by_seed else [])]
    rows = [
        [
            f"{pair['first']} - {pair['second']}",
            f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}]",
            _p(pair["p"]),
            _p(pair["p_holm"]),
            *([", ".join(_p(each["p"]) for each in pair["mcnemar"])] if by_seed else []),
        ]
        for pair in pairs
    ]
    return tabulate(rows, headers, disable_numparse=True)


def _tuning(comparison: Comparison) -> list[str]:
    """Return each method's expected best on validation after 1, 2, ... trials."""
    lines = [
        f"  {method['name']}: {', '.join(f'{value:.3f}' for value in method['expected_best'])}"
        for method in comparison["methods"]
        if method["expected_best"]
    ]
    return [f"Expected best {comparison['metric']} on validation after 1, 2, ... trials:", *lines] if lines else []


def _troubles(comparison: Comparison) -> list[str]:
    lines = [f"note: {note}" for note in comparison["notes"]]
    for method in comparison["methods"]:
        lines += [f"{method['name']}: {note}" for note in method["notes"]]
        for kind, trials in (("tuning", method["tuning"]), ("final", method["final"])):
            lines += [
                f"{method['name']}: {kind} trial, setting {trial['setting'] + 1}, seed {trial['seed']}: "
                f"{'failed' if trial['status'] == 'failed' else 'missing'}: {trial['error'] or 'it did not run'}"
                for trial in trials
                if trial["status"] != "finished"
            ]
    return lines


def _seconds(value: object) -> str:
    return readable_seconds(value) if isinstance(value, float) else ""


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
