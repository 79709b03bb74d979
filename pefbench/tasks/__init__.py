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
    """How several columns of a source form one of the task's columns.

    join: a row of the source and the columns, in order -> the combined value; raises DataError for a bad row.
    find: the rows of a source and the columns that the task does not use otherwise -> the columns to join if the recipe
    names none; empty if there are none.
    """

    join: Callable[[Row, Sequence[str]], Any]
    find: Callable[[Sequence[Row], Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Inputs:
    """The inputs of a trained model: rows without an answer.

    columns: the task's columns that an input may have. example: an input, under the task's column names, and the
    recipe's options -> the head's example as made by `read`, but without the answer; raises DataError. optional:
    columns that may be missing; their values are then None. text: the column that a plain text fills; None: a plain
    text is not enough. sample: an example input for the model card, as a JSON value.
    """

    columns: tuple[str, ...]
    example: Callable[[Row, Any], Any]
    optional: tuple[str, ...] = ()
    text: str | None = None
    sample: Any = "A text."


@dataclass(frozen=True)
class Task:
    """One task.

    columns: the task's name of a column -> its usual names in sources, most likely first. A number is the index of a
    column, from 0 (negative: from the end), for formats without column names.
    optional: the columns that a source may lack; their values are then None. later: optional columns that were added
    after first results; if a source lacks one, the row has no such value at all, so that the fingerprints of data, and
    with them the ids of trials, do not change.
    several: the columns that may be formed from several columns of a source: `data.columns.labels: [anger, joy]`.
    text: a row's columns -> the text by which duplicates are detected and single files are split.
    reshape: a file's rows, and the recipe's column names -> rows with the task's columns, for known layouts that have
    other columns; None: rows stay unchanged.
    split: the rows of a single file -> splits; None: split by a hash.
    gather_by: the column that numbers the sentences of a table with one word per row, whose rows are then joined; None:
    a row is always one example.
    group: a row's columns -> a value that must not be in two splits when a single file is split; None: the text.
    read: splits of rows, under the task's column names, and the handler of bad rows -> the head's examples. The
    recipe's options are passed by name.
    inputs: the inputs of a trained model; None: what its head reads, such as a text: see `inference/kinds`.
    metrics: names in `metrics/`, alone or with options; the first one's headline is the task's. metrics_for: the
    recipe's options -> the metrics, if they depend on options. baselines: names in `baselines/`.
    """

    head: str
    columns: Mapping[str, tuple[str | int, ...]]
    text: Callable[[Mapping[str, Any]], str]
    read: Callable[..., Dataset]
    metrics: tuple[NamedMetric, ...]
    defaults: Mapping[str, Mapping[str, Any]]
    text_format: str = "jsonl"
    baselines: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    several: Mapping[str, Several] = field(default_factory=dict)
    gather_by: str | None = None
    group: Callable[[Mapping[str, Any]], str] | None = None
    reshape: Callable[[Rows, Mapping[str, Any]], Rows] | None = None
    options: type[Options] = Options
    metrics_for: Callable[[Any], tuple[NamedMetric, ...]] | None = None
    split: Callable[[Sequence[Row]], Mapping[str, list[Row]]] | None = None
    inputs: Inputs | None = None
