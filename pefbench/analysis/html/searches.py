"""The report's data on searches: the settings that each method tried, in order, with their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.analysis.html.data import SearchData, TriedData
    from pefbench.results.search_schema import Found, MethodSearch, Tried


def searches(found: Sequence[Found]) -> list[SearchData]:
    """The data of each method of each search."""
    return [_search(each, name, method) for each in found for name, method in each["methods"].items()]


def _search(found: Found, name: str, method: MethodSearch) -> SearchData:
    fields, trials = [*method["space"]], method["trials"]
    named = found["named"]
    selected = named["setting"] if named["method"] == name else None
    parts = [
        counted(len(trials), "setting"),
        *(f"{number} {told}" for number, told in _ends(trials) if number),
        f"proposed by {found['sampler']}",
    ]
    important = sorted(method.get("importance", {}).items(), key=lambda each: -each[1])
    return {
        "name": method["name"],
        "metric": found["metric"],
        "higher": found["higher_is_better"],
        "heading": ", ".join(parts),
        "fields": fields,
        "log": [_is_logarithmic(method["space"][field]) for field in fields],
        "importance": [[field, share] for field, share in important],
        "trials": [_tried(trial, fields, selected=trial["setting"] == selected) for trial in trials],
    }


def _ends(trials: Sequence[Tried]) -> Iterator[tuple[int, str]]:
    for status, told in (("stopped", "stopped early"), ("failed", "failed")):
        yield sum(trial["status"] == status for trial in trials), told


def _tried(trial: Tried, fields: Sequence[str], *, selected: bool) -> TriedData:
    last = trial["evaluations"][-1] if trial["evaluations"] else None
    return {
        "values": [_shown(trial["setting"].get(field)) for field in fields],
        "score": trial["value"] if trial["value"] is not None else last,
        "status": trial["status"],
        "selected": selected,
        "examples": trial["examples"],
    }


def _shown(value: Any) -> float | str:
    """A number as a float, anything else as text."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _is_logarithmic(given: Any) -> bool:
    return isinstance(given, dict) and "log_uniform" in given
