"""Renders the record of a search as text. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench.analysis.tables import interval
from pefbench.errors import counted
from pefbench.results import store
from pefbench.search.space import label

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.search_schema import Found, MethodSearch, Raced, Tried


def render(path: Path, found: Found) -> str:
    """The search as text: what was tried, the race, the selected setting and its test. path: of the record."""
    tried = [_tried(method) for method in found["methods"].values()]
    return "\n\n".join(["\n".join(tried), _race(found), _named(path, found)])


def model_of(path: Path, found: Found) -> Path:
    """The folder of the model that the search keeps."""
    return (path.parent / found["named"]["results"][0]).resolve().with_suffix("") / "model"


def _tried(method: MethodSearch) -> str:
    trials = method["trials"]
    parts = [f"{method['name']}: {counted(len(trials), 'setting')} tried"]
    stopped, failed = _number(trials, "stopped"), _number(trials, "failed")
    if stopped:
        parts.append(f"{stopped} stopped early")
    if failed:
        parts.append(f"{failed} failed")
    most = max((trial["examples"] for trial in trials), default=0)
    if stopped and most:
        seen = sum(trial["examples"] for trial in trials)
        parts.append(f"{seen:,} training examples seen")
        if "train.epochs" not in method["space"]:  # otherwise the full length differs between settings
            parts.append(f"{seen / most / len(trials):.0%} of training every setting to the end")
    return ", ".join(parts)


def _number(trials: list[Tried], status: str) -> int:
    return sum(trial["status"] == status for trial in trials)


def _race(found: Found) -> str:
    """The settings of the race, the best first."""
    sign = -1 if found["higher_is_better"] else 1
    rows = [
        [
            f"{each['method']}: {label(each['setting'])}",
            _shown(each["values"][0]),
            _shown(each["mean_of_new_seeds"]),
            str(len(each["values"])),
            each["dropped"] or "",
        ]
        for each in sorted(found["race"], key=lambda each: (each["dropped"] is not None, sign * each["mean"]))
    ]
    headers = ["Setting", f"{found['metric']} on validation", "with new seeds", "Seeds", "Left the race"]
    return tabulate(rows, headers, disable_numparse=True)


def _named(path: Path, found: Found) -> str:
    named, metric = found["named"], found["metric"]
    key = (named["method"], named["setting"])
    raced = next(each for each in found["race"] if (each["method"], each["setting"]) == key)
    tried = counted(sum(len(method["trials"]) for method in found["methods"].values()), "setting")
    best = f"{metric} on validation {_shown(raced['values'][0])}, {_place(raced, found)} of {tried}, so optimistic"
    new = counted(len(raced["values"]) - 1, "new seed")
    later = "" if raced["mean_of_new_seeds"] is None else f"; {_shown(raced['mean_of_new_seeds'])} with {new}"
    lines = [f"selected: {named['method']}, {label(named['setting'])}", f"  {best}{later}"]
    for each in named["results"]:
        result = store.read_result((path.parent / each).resolve())
        value = result["metrics"]["test"][metric]
        told = interval(value["value"], value["low"], value["high"])
        lines.append(f"  {metric} on test {told}, seed {result['recipe']['train']['seed']}")
    return "\n".join(lines)


def _place(raced: Raced, found: Found) -> str:
    """A setting's rank by the score that brought it into the race; the race may select one that was not the first."""
    sign = 1 if found["higher_is_better"] else -1
    better = sum(sign * (each["values"][0] or 0) > sign * (raced["values"][0] or 0) for each in found["race"])
    return f"number {better + 1}" if better else "the best"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
