"""Reads a verdict from its file and renders it as tables. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench.analysis.tables import interval, readable_seconds
from pefbench.errors import counted
from pefbench.results.ranges import range_of
from pefbench.results.shape import read_record
from pefbench.results.store import readable
from pefbench.results.verdict_schema import SCHEMA, Comparison, is_about_methods, with_best
from pefbench.search.space import label

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.verdict_schema import MethodVerdict, PairVerdict

BEST, UNDECIDED, EQUIVALENT = "**", "*", "="


def read(path: Path) -> Comparison:
    """Read ``comparison.json``. Raises DataError if it is damaged or has another schema."""
    return read_record(path, Comparison, SCHEMA, "a comparison")


def render(comparison: Comparison) -> str:
    """The verdict as text: the methods, best first, then all pairs, then whatever is unfinished."""
    blocks = [_heading(comparison), _methods(comparison)]
    legends = [_legend(comparison) if comparison["pairs"] else "", _costs_legend(comparison)]
    if shown := [legend for legend in legends if legend]:
        blocks.append("\n".join(shown))
    if comparison["pairs"]:
        blocks.append(_pairs(comparison))
    blocks += ["\n".join(lines) for lines in (_tuning(comparison), _troubles(comparison)) if lines]
    return "\n\n".join(blocks)


def _heading(comparison: Comparison) -> str:
    better = "higher" if comparison["higher_is_better"] else "lower"
    tested = f", {comparison['examples']} test examples" if comparison["examples"] else ""
    return (
        f"{comparison['name']}: {comparison['metric']} on test, {better} is better; "
        f"{_budget(comparison)}, chosen on validation; "
        f"{_seeds(comparison)}{tested}"
    )


def _seeds(comparison: Comparison) -> str:
    """How many seeds the methods have. With several looks the numbers may differ."""
    numbers = sorted({len(method["test"]["values"]) for method in comparison["methods"] if method["test"]})
    *fewer, most = numbers or [len(comparison["seeds"])]
    return "".join(f"{number} or " for number in fewer) + counted(most, "seed")


def _budget(comparison: Comparison) -> str:
    if "search" in comparison:
        search = comparison["search"]
        stopped = "" if search["prune"] == "none" else f" and stopped early by {search['prune']}"
        return (
            f"settings proposed by {search['sampler']}{stopped}, up to {search['examples']:,} examples seen per method"
        )
    if "compute" not in comparison:
        fewest = min(len(method["settings"]) for method in comparison["methods"])
        return f"{'up to ' * (fewest < comparison['trials'])}{counted(comparison['trials'], 'setting')} per method"
    return f"settings that see up to {comparison['compute']:,} training examples per method"


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
    rows = [[*_quality(method, best, comparison), *_costs(method)][:width] for method in ordered]
    return tabulate(rows, headers, disable_numparse=True)


def _quality(method: MethodVerdict, best: str | None, comparison: Comparison) -> list[str]:
    chosen = label(method["settings"][method["chosen"]]) if method["chosen"] is not None else ""
    test = method["test"]
    value = interval(test["value"], test["low"], test["high"]) if test else "not finished"
    pair = with_best(method["name"], best, comparison["pairs"])
    against = [_p(pair["p_adjusted"]), _detectable(pair, comparison)] if pair else ["", ""]
    if not is_about_methods(comparison):
        against[0] = ""
    return [_mark(method), method["name"], chosen, value, *against]


def _mark(method: MethodVerdict) -> str:
    # Without a verdict on methods, as with one seed, no method is marked.
    if method["tied"] is None or not (method["tied"] or method["best"]):
        return ""
    return BEST if method["best"] else EQUIVALENT if method["answer"] == "equivalent" else UNDECIDED


def _detectable(pair: PairVerdict, comparison: Comparison) -> str:
    # Scores that never vary, for example if all answers are right, say nothing about what other data would show.
    if not pair["standard_error"] or pair["detectable"] is None:
        return "unknown"
    return f"{pair['detectable']:.3f}" if _is_possible(pair["detectable"], comparison) else "nothing"


def _is_possible(difference: float, comparison: Comparison) -> bool:
    """Whether two methods' scores can differ by this much: two accuracies cannot differ by more than 1."""
    value = max((method["test"]["value"] for method in comparison["methods"] if method["test"]), default=0.0)
    low, high = range_of(comparison["metric"], value)
    return difference <= high - low


def _costs(method: MethodVerdict) -> list[str]:
    costs = method["costs"]
    if costs is None:
        return [""] * 8
    return [
        f"{readable(costs['trainable_parameters'])} ({costs['trainable_percent']:.3g} %)",
        readable(costs["adapter_bytes"], "B") if costs["adapter_bytes"] is not None else "",
        readable_seconds(costs["train_seconds"]),
        readable_seconds(costs["tuning_seconds"]),
        readable(costs["peak_memory_bytes"]["train"], "B"),  # as in tables: without memory of prediction
        *(_seconds(costs.get(name)) for name in ("inference_seconds_per_1000", "merged_seconds_per_1000")),
        f"{costs['pscp']:.3f}" if costs.get("pscp") is not None else "",
    ]


def _legend(comparison: Comparison) -> str:
    if not is_about_methods(comparison):
        return "One seed: p tells whether these runs differ on this test split, not whether the methods do."
    lines = [f"{BEST} best   {UNDECIDED} undecided: not shown to differ from the best, {_level(comparison)}"]
    lines.append(f"{EQUIVALENT} equivalent to the best: shown to differ by less than {comparison['margin']:.3g}")
    smallest = comparison["smallest_difference"]
    if not smallest:
        lines.append("Scores do not vary over test examples and seeds: what this test could have shown is unknown.")
    elif not _is_possible(smallest, comparison):
        lines.append(
            f"With this test split and these seeds, no difference in {comparison['metric']} would be shown in 80 % of "
            "cases: more test examples or more seeds would show one."
        )
    else:
        lines.append(
            f"With this test split and these seeds, a pair's true difference of {smallest:.3f} (median over pairs) "
            "would be shown in 80 % of cases; smaller ones less often."
        )
    return "\n".join(lines)


def _costs_legend(comparison: Comparison) -> str:
    """Explains the two columns of prediction time, if there are any."""
    found = [method["costs"] for method in comparison["methods"] if method["costs"] is not None]
    if all(costs.get("inference_seconds_per_1000") is None for costs in found):
        return ""
    return "Test of 1,000: time to predict 1,000 test examples; merged: with the adapter merged into the weights."


def _level(comparison: Comparison) -> str:
    level, looks = comparison["level"], comparison["looks"]
    shared = f" at each of {counted(len(looks), 'look')}" if len(looks) > 1 else ""
    return f"at {100 * level:g} % over all pairs{shared}"


def _pairs(comparison: Comparison) -> str:
    if not is_about_methods(comparison):
        return _runs(comparison["pairs"])
    by_seed = any(pair["mcnemar"] for pair in comparison["pairs"])
    runs = f"These runs differ: {_how_runs(by_seed=by_seed)}"
    headers = ["Pair", "Difference", "p", "p, all pairs", "Answer", runs]
    rows = [
        [_names(pair), _difference(pair), *_probabilities(pair), answer(comparison, pair), _of_runs(pair)]
        for pair in comparison["pairs"]
    ]
    return tabulate(rows, headers, disable_numparse=True)


def _probabilities(pair: PairVerdict) -> list[str]:
    return [_p(pair["p"]), _p(pair["p_adjusted"])]


def _runs(pairs: Sequence[PairVerdict]) -> str:
    """The table for one seed, which only says whether the runs differ."""
    by_seed = any(pair["mcnemar"] for pair in pairs)
    headers = ["Pair of runs", "Difference", f"These runs differ: {_how_runs(by_seed=by_seed)}"]
    rows = [[_names(pair), _difference(pair), _of_runs(pair)] for pair in pairs]
    return tabulate(rows, headers, disable_numparse=True)


def answer(comparison: Comparison, pair: PairVerdict) -> str:
    """A pair's answer in words."""
    given = pair["answer"]
    at = f", at {pair['decided_at']} seeds" if "decided_at" in pair else ""
    if given == "equivalent":
        return f"equivalent, within {comparison['margin']:.3g}{at}"
    if given in {"better", "worse"}:
        small = " by less than the margin" if pair["within_margin"] else ""
        return f"{pair['first']} {given}{small}{at}"
    if pair["identical"]:
        return "identical answers"
    return f"undecided, {_needed(pair, len(comparison['seeds']))}"


def _needed(pair: PairVerdict, now: int) -> str:
    """What would decide a pair. now: the current number of seeds; `examples_needed` assumes at least ten seeds."""
    seeds, examples = pair["seeds_needed"], pair["examples_needed"]
    if seeds is not None:
        return f"about {seeds} seeds needed"
    if examples is not None:
        return f"more seeds cannot decide; about {examples:,} test examples{' and 10 seeds' * (now < 10)} needed"
    return "out of reach of more seeds or test examples"


def _names(pair: PairVerdict) -> str:
    return f"{pair['first']} - {pair['second']}"


def _difference(pair: PairVerdict) -> str:
    if pair["low"] is None or pair["high"] is None:
        return f"{pair['difference']:+.3f} (interval unknown: nothing varies)"
    return f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}]"


def _how_runs(*, by_seed: bool) -> str:
    return "McNemar p, by seed" if by_seed else "p over test examples alone"


def _of_runs(pair: PairVerdict) -> str:
    if pair["identical"]:
        return "identical answers"
    if pair["mcnemar"]:
        return ", ".join(_p(each["p"]) for each in pair["mcnemar"])
    return _p(pair["p_runs"])


def _tuning(comparison: Comparison) -> list[str]:
    """Each method's expected best on validation after 1, 2, ... trials."""
    lines = [
        f"  {method['name']}: {', '.join(f'{value:.3f}' for value in method['expected_best'])}"
        f"{_used(comparison, method)}"
        for method in comparison["methods"]
        if method["expected_best"]
    ]
    return [f"Expected best {comparison['metric']} on validation after 1, 2, ... trials:", *lines] if lines else []


def _used(comparison: Comparison, method: MethodVerdict) -> str:
    """What tuning a method took, if the budget is a number of training examples."""
    if not {"compute", "search"} & comparison.keys() or "tuning_examples" not in method:
        return ""
    stopped = sum(trial["status"] == "stopped" for trial in method["tuning"])
    early = f", {stopped} stopped early" if stopped else ""
    return f" ({counted(len(method['settings']), 'setting')}{early}, {method['tuning_examples']:,} examples seen)"


def _troubles(comparison: Comparison) -> list[str]:
    lines = [f"note: {note}" for note in comparison["notes"]]
    for method in comparison["methods"]:
        lines += [f"{method['name']}: {note}" for note in method["notes"]]
        for kind, trials in (("tuning", method["tuning"]), ("final", method["final"])):
            lines += [
                f"{method['name']}: {kind} trial, setting {trial['setting'] + 1}, seed {trial['seed']}: "
                f"{'failed' if trial['status'] == 'failed' else 'missing'}: {trial['error'] or 'it did not run'}"
                for trial in trials
                if trial["status"] not in {"finished", "stopped"}
            ]
    return lines


def _seconds(value: object) -> str:
    return readable_seconds(value) if isinstance(value, float) else ""


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
