"""The table with one row per trial, best first; trials that are not comparable are never ranked together."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from pefbench.analysis.tables import paired_runs
from pefbench.analysis.tables.formats import FORMATS, csv_text, escaped, grid
from pefbench.analysis.tables.marks import legend, marked
from pefbench.analysis.tables.rows import FAILED, group, rows_of
from pefbench.analysis.tables.wording import UNRELIABLE_MEANS, interval, readable_seconds
from pefbench.errors import UserError, suggest
from pefbench.results.store import newest, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pefbench.analysis.tables.marks import Mark
    from pefbench.analysis.tables.paired_runs import PairedRuns
    from pefbench.analysis.tables.row import TableRow
    from pefbench.results.store import Stored

Value = TypeVar("Value")


def table(results: Sequence[Stored], style: str = "text") -> str:
    """The results as a table in one of FORMATS; without a newline at the end.

    Text, Markdown and LaTeX have one table for each group of trials that may be ranked together: same task, data,
    numbers of training and test examples, base model, precision and metric signature. CSV and JSON have a single table
    with all groups, raw numbers and no notes.
    If trials have the same id, only the newest is shown. Raises UserError for an unknown style.
    """
    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; {suggest(style, FORMATS)}")
    shown, older = newest(results)
    rows = rows_of(shown)
    if style == "csv":
        return csv_text(rows)
    if style == "json":
        return json.dumps(rows, indent=1, allow_nan=False)
    groups: dict[tuple[object, ...], list[TableRow]] = defaultdict(list)
    for row in rows:
        groups[group(row)].append(row)
    by_path = {str(stored.path): stored for stored in shown}
    runs = {key: [by_path[row["path"]] for row in members] for key, members in groups.items() if key != (FAILED,)}
    paired = {key: paired_runs.with_best(members) for key, members in runs.items()}
    found = {key: _marks(members, paired.get(key)) for key, members in groups.items()}
    blocks = [
        _block(members, found[key], paired.get(key, [None] * len(members)), style) for key, members in groups.items()
    ]
    notes = [*legend((mark for marks in found.values() for mark in marks), style)]
    notes += [paired_runs.LEGEND] if any(each for pairs in paired.values() for each in pairs) else []
    notes += paired_runs.notes(runs.values())
    notes += [UNRELIABLE_MEANS] * any(row["reliable"] is False for row in rows)
    notes += _notes(len(runs), older)
    return "\n\n".join(blocks + [escaped(note, style) for note in notes])


def _block(rows: Sequence[TableRow], marks: Sequence[Mark], paired: Sequence[PairedRuns | None], style: str) -> str:
    heading = rows[0]["group"]
    cells = [
        _failed_cells(row) if heading == FAILED else _finished_cells(row, mark, pair, style)
        for row, mark, pair in zip(rows, marks, paired, strict=True)
    ]
    content = grid(cells, style)
    if style == "latex":
        return f"\\begin{{table}}\n\\caption{{{escaped(heading, style)}}}\n{content}\n\\end{{table}}"
    return f"{'### ' if style == 'markdown' else ''}{escaped(heading, style)}\n\n{content}"


def _marks(rows: Sequence[TableRow], paired: Sequence[PairedRuns | None] | None) -> list[Mark]:
    """The marks of a group's rows, by intervals alone: rows are single trials, but comparisons test several seeds."""
    best = rows[0]
    if paired is None or len(rows) < 2:
        return [""] * len(rows)
    pairs = zip(rows[1:], paired[1:], strict=True)
    return ["best", *("" if pair and pair.differ else _overlapping(best, row) for row, pair in pairs)]


def _overlapping(best: TableRow, row: TableRow) -> Mark:
    if best["low"] is None or best["high"] is None or row["low"] is None or row["high"] is None:
        return ""
    return "overlapping" if row["low"] <= best["high"] and best["low"] <= row["high"] else ""


def _finished_cells(row: TableRow, mark: Mark, paired: PairedRuns | None, style: str) -> dict[str, str]:
    score = _text(
        row["value"], lambda value: interval(value, row["low"], row["high"], reliable=row["reliable"] is not False)
    )
    value, space, rest = score.partition(" ")
    return {
        "Recipe": row["recipe"],
        "Method": row["method"],
        "Settings": row["settings"],
        f"{row['metric']} {'↑' if row['higher_is_better'] else '↓'}": marked(value, space + rest, mark, style),
        "Paired with the best": _text(paired, lambda pair: pair.cell),
        "Best baseline": _text(row["baseline"], lambda name: _beaten(name, row)),
        "Train examples": _text(row["train_examples"], lambda n: f"{n:,}{' (cut)' * row['train_examples_cut']}"),
        "Trainable": _text(row["trainable_parameters"], readable)
        + _text(row["trainable_percent"], " ({:.3g} %)".format),
        "Adapter": _text(row["adapter_bytes"], lambda size: readable(size, "B")),
        "Train time": _text(row["train_seconds"], readable_seconds),
        "Peak memory": _text(row["train_peak_memory_bytes"], lambda size: readable(size, "B")),
    }


def _failed_cells(row: TableRow) -> dict[str, str]:
    return {
        "Task": row["task"],
        "Model": row["model"],
        "Recipe": row["recipe"],
        "Method": row["method"],
        "Settings": row["settings"],
        "Error": " ".join((row["error"] or "not recorded").split()),
    }


def _beaten(name: str, row: TableRow) -> str:
    value = _text(row["baseline_value"], lambda value: interval(value, None, None))
    return f"{value} {name}{'' if row['beats_baseline'] else ', not shown to be beaten'}"


def _text(value: Value | None, spell: Callable[[Value], str]) -> str:
    return "" if value is None else spell(value)


def _notes(groups: int, older: int) -> Iterable[str]:
    if groups > 1:
        yield "Trials in different tables differ in what the headings state, so they are not ranked together."
    if older:
        results = "result of a trial" if older == 1 else "results of trials"
        yield f"{older} older {results} with the same id not shown."
