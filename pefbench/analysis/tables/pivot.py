"""One table of tasks and methods, in which only comparable scores share a row or column."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

from pefbench.analysis.tables.crossing import WIDTH, crossed
from pefbench.analysis.tables.formats import FORMATS, csv_text, escaped
from pefbench.analysis.tables.groups import comparable, headline, trained_on
from pefbench.analysis.tables.marks import Tests, legend, marks
from pefbench.analysis.tables.replicates import one_per_method, replicates_by_group
from pefbench.analysis.tables.wording import UNRELIABLE_MEANS, short_model
from pefbench.errors import UserError, suggest
from pefbench.results.store import newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pefbench.analysis.tables.marks import Mark
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.results.store import Stored
    from pefbench.results.verdict_schema import Comparison

_APART = (
    "{} is one combination of task, base model, data set, numbers of training and test examples, precision and metric."
)


class Cell(TypedDict):
    """A cell as raw numbers. The keys are the columns of CSV and JSON, in this order."""

    task: str
    model: str
    model_fingerprint: str
    data_fingerprint: str
    precision: str
    metric: str
    metric_signature: str
    higher_is_better: bool
    method: str
    recipe: str
    settings: str  # overrides in which settings of one recipe differ
    seeds: int
    value: float  # mean over seeds
    low: float | None
    high: float | None
    reliable: bool  # whether enough test examples decide the value for its interval to hold
    spread: float | None  # standard deviation over seeds
    mark: str
    train_examples: int | None
    test_examples: int | None


def pivot(
    results: Sequence[Stored], style: str = "text", verdicts: Sequence[Comparison] = (), width: int = WIDTH
) -> str:
    """The results as one table in one of FORMATS; without a newline at the end.

    A cell is the mean over seeds of a method's best setting on validation, and half of its 95 % interval.
    verdicts: of comparisons, to mark what is undecided; without them the intervals decide.
    width: characters per line of text; a wider table with methods as rows is split into parts below each other.
    CSV and JSON have one cell per row, with raw numbers. Raises UserError for an unknown style.
    """
    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; {suggest(style, FORMATS)}")
    shown = newest(results)[0]
    every = replicates_by_group(shown, verdicts)
    groups = [one_per_method(members) for members in every.values()]
    marked_groups = [(members, marks(members, Tests(verdicts))) for members in groups]
    cells = [cell for members, found in marked_groups for cell in _cells(members, found)]
    if style == "csv":
        return csv_text(cells)
    if style == "json":
        return json.dumps(cells, indent=1, allow_nan=False)
    content, each = crossed(marked_groups, style, width)
    notes = list(_notes(every.values(), groups, shown, each))
    notes = [*legend((mark for _, found in marked_groups for mark in found), style), *notes]
    return "\n\n".join(filter(None, [content, "\n".join(_line(note, style) for note in notes)]))


def _cells(members: Sequence[Replicates], found: Sequence[Mark]) -> Iterator[Cell]:
    for each, mark in zip(members, found, strict=True):
        metric, signature, weights, data, precision, *_ = comparable(each.first)
        yield {
            "task": each.first["recipe"]["task"],
            "model": short_model(each.first["recipe"]["model"]["name"]),
            "model_fingerprint": weights,
            "data_fingerprint": data,
            "precision": precision,
            "metric": metric,
            "metric_signature": signature,
            "higher_is_better": each.sign > 0,
            "method": each.method,
            "recipe": each.first["recipe"]["name"],
            "settings": each.differs,
            "seeds": len(each.trials),
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "reliable": each.reliable,
            "spread": each.spread if len(each.trials) > 1 else None,
            "mark": mark,
            "train_examples": trained_on(each.first),
            "test_examples": headline(each.first)["examples"],
        }


def _notes(
    every: Iterable[Sequence[Replicates]], groups: Sequence[Sequence[Replicates]], shown: Sequence[Stored], each: str
) -> Iterator[str]:
    if any(len(setting.trials) > 1 for members in groups for setting in members):
        yield "Several seeds: their mean, and an interval over test examples and seeds."
    if sum(map(len, every)) > sum(map(len, groups)):
        yield "Where a method has several settings, the best on validation is shown."
    if not all(setting.reliable for members in groups for setting in members):
        yield UNRELIABLE_MEANS
    if len(groups) > 1:
        yield _APART.format(each)
    if failed := sum(stored.result["status"] == "failed" for stored in shown):
        yield f"Failed trials, not shown: {failed}."


def _line(note: str, style: str) -> str:
    if style == "latex":
        return escaped(note, style) + r" \\"
    return f"{'- ' if style == 'markdown' else ''}{escaped(note, style)}"
