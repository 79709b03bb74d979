"""One row a trial, best first, and never two trials ranked that cannot be compared."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pefbench.errors import UserError, suggest
from pefbench.results import newest, readable
from pefbench.tables.formats import FORMATS, csv_text, escaped, grid
from pefbench.tables.rows import FAILED, group, rows_of
from pefbench.tables.wording import interval, readable_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pefbench.results import Stored
    from pefbench.tables.rows import Row


def table(results: Sequence[Stored], style: str = "text") -> str:
    """Return the results as a table in one of FORMATS; without a newline at the end.

    Text, Markdown and LaTeX have one table for each group of trials that may be ranked together: same task, data,
    base model, precision and metric signature. CSV and JSON have all groups in one, with raw numbers and no notes.
    Of trials with the same id the newest is shown. Raises UserError for an unknown style.
    """
    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; {suggest(style, FORMATS)}")
    shown, older = newest(results)
    rows = rows_of(shown)
    if style == "csv":
        return csv_text(rows)
    if style == "json":
        return json.dumps(rows, indent=1, allow_nan=False)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[group(row)].append(row)
    blocks = [_block(members, style) for members in groups.values()]
    return "\n\n".join(blocks + [escaped(note, style) for note in _notes(len(groups.keys() - {(FAILED,)}), older)])


def _block(rows: Sequence[Row], style: str) -> str:
    heading = rows[0]["group"]
    cells = [_failed_cells(row) if heading == FAILED else _finished_cells(row) for row in rows]
    content = grid(cells, style)
    if style == "latex":
        return f"\\begin{{table}}\n\\caption{{{escaped(heading, style)}}}\n{content}\n\\end{{table}}"
    return f"### {heading}\n\n{content}" if style == "markdown" else f"{heading}\n\n{content}"


def _finished_cells(row: Row) -> dict[str, str]:
    return {
        "Recipe": row["recipe"],
        "Method": row["method"],
        "Settings": row["settings"],
        row["metric"]: interval(row["value"], row["low"], row["high"]),
        "Best baseline": _text(row["baseline"], lambda name: _beaten(name, row)),
        "Train examples": _text(row["train_examples"], lambda n: f"{n:,}{' (cut)' * row['train_examples_cut']}"),
        "Trainable": f"{readable(row['trainable_parameters'])} ({row['trainable_percent']:.3g} %)",
        "Adapter": _text(row["adapter_bytes"], lambda size: readable(size, "B")),
        "Train time": readable_seconds(row["train_seconds"]),
        "Peak memory": readable(row["train_peak_memory_bytes"], "B"),
    }


def _failed_cells(row: Row) -> dict[str, str]:
    names = {title: row[title.lower()] for title in ("Task", "Model", "Recipe", "Method", "Settings")}
    return {**names, "Error": " ".join((row["error"] or "not recorded").split())}


def _beaten(name: str, row: Row) -> str:
    return f"{interval(row['baseline_value'], None, None)} {name}{'' if row['beats_baseline'] else ', NOT BEATEN'}"


def _text(value: float | str | None, spell: Callable[[Any], str]) -> str:
    return "" if value is None else spell(value)


def _notes(groups: int, older: int) -> Iterable[str]:
    if groups > 1:
        yield "Trials in different tables differ in what their heading says, so they are not ranked together."
    if older:
        results = "result of a trial" if older == 1 else "results of trials"
        yield f"{older} older {results} with the same id not shown."
