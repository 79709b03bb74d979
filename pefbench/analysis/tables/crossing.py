"""A table of methods and data sets; the rows are whichever there are more of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from pefbench.analysis.tables.formats import grid, one_line
from pefbench.analysis.tables.groups import BETWEEN, UNKNOWN, comparable, short, trained_on
from pefbench.analysis.tables.marks import marked
from pefbench.analysis.tables.titles import titles
from pefbench.analysis.tables.wording import UNRELIABLE, digits, short_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pefbench.analysis.tables.marks import Mark
    from pefbench.analysis.tables.replicates import Replicates

    Group = tuple[Sequence[Replicates], Sequence[Mark]]
    Rows = list[dict[str, str]]

WIDTH = 80
"""Assumed width of a terminal in characters if it is unknown."""
_TASK = "Task"
_DISTINCTIVE = ("Training examples", "Test examples", "Model", "Data", "Precision", "Metric")
_GAP = 2


class Crossed(NamedTuple):
    """A table, and whether a group is a row or a column of it."""

    text: str
    group: Literal["Each row", "Each column"]


def crossed(groups: Sequence[Group], style: str, width: int = WIDTH) -> Crossed:
    """Groups of comparable settings, at most one per method, as a table in one of the styles of `grid`.

    If there are more methods than groups, each row is a method, and a text table wider than `width` characters is split
    into parts below each other. A group holds its settings and their marks.
    """
    methods = _methods(groups)
    about = [_about(members[0]) for members, _ in groups]
    values = [_values(*group, style) for group in groups]
    if len(methods) <= len(groups):
        rows = [
            {**names, **{method: each.get(method, "") for method in methods}}
            for names, each in zip(about, values, strict=True)
        ]
        return Crossed(grid(rows, style) if rows else "", "Each row")
    rows = _by_method(methods, about, values)
    parts = list(_parts(rows, width)) if style == "text" else [rows]
    described = len(about[0]) - 1
    return Crossed("\n\n".join(grid(part, style, described=described) for part in parts), "Each column")


def _methods(groups: Sequence[Group]) -> list[str]:
    """Full fine-tuning first, then by name."""
    return sorted({each.method for members, _ in groups for each in members}, key=lambda name: (name != "full", name))


def _about(setting: Replicates) -> dict[str, str]:
    """What the settings of a group have in common: name -> value."""
    result = setting.first
    metric, _, weights, data, precision, _, tested = comparable(result)
    known = weights != UNKNOWN
    examples, direction = trained_on(result), "↑" if setting.sign > 0 else "↓"
    return {
        _TASK: result["recipe"]["task"],
        "Model": f"{short_model(result['recipe']['model']['name'])} {short(weights)}" if known else UNKNOWN,
        "Data": short(data),
        "Training examples": UNKNOWN if examples is None else f"{examples:,}",
        "Test examples": " ".join(tested.replace("test examples", "").split()),
        "Precision": precision,
        "Metric": f"{metric} {direction}",
    }


def _values(members: Sequence[Replicates], found: Sequence[Mark], style: str) -> dict[str, str]:
    return {each.method: _cell(each, mark, style) for each, mark in zip(members, found, strict=True)}


def _cell(setting: Replicates, mark: Mark, style: str) -> str:
    places = digits(setting.value)
    half = "" if setting.low is None or setting.high is None else f" ±{(setting.high - setting.low) / 2:.{places}f}"
    half += UNRELIABLE * (bool(half) and not setting.reliable)
    seeds = f" ({len(setting.trials)} seeds)" if len(setting.trials) > 1 else ""
    return marked(f"{setting.value:.{places}f}", f"{half}{seeds}", mark, style)


def _by_method(methods: Sequence[str], about: Sequence[Mapping[str, str]], values: Sequence[Mapping[str, str]]) -> Rows:
    """A column for each group: its description, then each method's value."""
    columns = _columns(about)
    described = [{_TASK: name, **dict(zip(columns, (each[name] for each in about), strict=True))} for name in about[0]]
    return described[1:] + [
        {_TASK: method, **dict(zip(columns, (each.get(method, "") for each in values), strict=True))}
        for method in methods
    ]


def _columns(about: Sequence[Mapping[str, str]]) -> list[str]:
    """Short titles: the task and whatever distinguishes it from others; a number if nothing shown does."""
    known = [tuple(each[name] for name in (_TASK, *_DISTINCTIVE)) for each in about]
    seen: Counter[str] = Counter()
    found: list[str] = []
    for title in titles(known, least=1):
        seen[title] += 1
        found.append(title if seen[title] == 1 else f"{title}{BETWEEN}no. {seen[title]}")
    return found


def _parts(rows: Rows, width: int) -> Iterator[Rows]:
    """The rows with as many columns as fit, then with the next columns; rows that are empty there are left out."""
    first, *others = rows[0]
    widths = {name: max(len(one_line(text)) for text in (name, *(row[name] for row in rows))) for name in rows[0]}
    while others:
        chosen, room = others[:1], width - widths[first] - _GAP - widths[others[0]]
        for name in others[1:]:
            room -= _GAP + widths[name]
            if room < 0:
                break
            chosen.append(name)
        others = others[len(chosen) :]
        part = [{name: row[name] for name in (first, *chosen)} for row in rows]
        yield [row for row in part if any(row[name] for name in chosen)]
