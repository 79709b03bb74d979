"""Tasks: the meaning of a row, the metrics, and sensible defaults.

Each file is one task and exports ``TASK``. Turning text into tensors is the head's job, not the task's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.heads import Dataset
    from pefbench.sections import NamedMetric
    from pefbench.sources import Row, Rows


class Options(BaseModel):
    """A task's own options, which are the recipe's `options`; a subclass has a field for each."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Several:
    """How several columns of a source form one of the task's columns."""

    join: Callable[[Row, Sequence[str]], Any]
    """A row of the source and the columns, in order -> the combined value. Raises DataError for a bad row."""
    find: Callable[[Sequence[Row], Sequence[str]], Sequence[str]]
    """The rows of a source and the columns that the task does not use otherwise -> the columns to join if the recipe
    names none; empty if there are none."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a trained model: rows without an answer."""

    columns: tuple[str, ...]
    """The task's columns that an input may have."""
    example: Callable[[Row, Any], Any]
    """An input, under the task's column names, and the recipe's options -> the head's example as `Task.read` makes it,
    but without the answer. Raises DataError."""
    optional: tuple[str, ...] = ()
    """Columns that may be missing; their values are then None."""
    text: str | None = None
    """The column that a plain text fills; None: a plain text is not enough."""
    sample: Any = "A text."
    """An example input for the model card, as a JSON value."""


@dataclass(frozen=True)
class Task:
    """One task: its columns, how rows become a head's examples, its metrics and its defaults."""

    head: str
    """The head's module in `heads/`."""
    columns: Mapping[str, tuple[str | int, ...]]
    """The task's name of a column -> its usual names in sources, most likely first. A number is the index of a column,
    from 0 (negative: from the end), for formats without column names."""
    text: Callable[[Mapping[str, Any]], str]
    """A row's columns -> the text by which duplicates are detected and single files are split."""
    read: Callable[..., Dataset]
    """Splits of rows, under the task's column names, and the handler of bad rows -> the head's examples. The recipe's
    options are passed by name."""
    metrics: tuple[NamedMetric, ...]
    """Names in `metrics/`, alone or with options; the first one's headline is the task's."""
    defaults: Mapping[str, Mapping[str, Any]]
    """Section of a recipe -> the task's defaults for its fields."""
    text_format: str = "jsonl"
    """The format of files whose suffix does not tell it."""
    baselines: tuple[str, ...] = ()
    """Names in `tasks/baselines/`."""
    optional: tuple[str, ...] = ()
    """The columns that a source may lack; their values are then None."""
    later: tuple[str, ...] = ()
    """Optional columns that were added after first results. If a source lacks one, the row has no such value at all, so
    that the fingerprints of data, and with them the ids of trials, do not change."""
    several: Mapping[str, Several] = field(default_factory=dict)
    """The columns that may be formed from several columns of a source: `data.columns.labels: [anger, joy]`."""
    gather_by: str | None = None
    """The column that numbers the sentences of a table with one word per row, whose rows are joined; None: each row is
    one example."""
    group: Callable[[Mapping[str, Any]], str] | None = None
    """A row's columns -> a value that must not be in two splits when a single file is split; None: the text."""
    reshape: Callable[[Rows, Mapping[str, Any]], Rows] | None = None
    """A file's rows, and the recipe's column names -> rows with the task's columns, for known layouts that have other
    columns; None: rows stay unchanged."""
    options: type[Options] = Options
    """The task's own options."""
    metrics_for: Callable[[Any], tuple[NamedMetric, ...]] | None = None
    """The recipe's options -> the metrics, if they depend on options."""
    split: Callable[[Sequence[Row]], Mapping[str, list[Row]]] | None = None
    """The rows of a single file -> splits; None: split by a hash."""
    inputs: Inputs | None = None
    """The inputs of a trained model; None: what its head reads, such as a text: see `inference/kinds`."""
