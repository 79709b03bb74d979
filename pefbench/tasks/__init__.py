"""Tasks: what a row means, which metrics count, and what is sensible by default.

One file is one task; it exports ``TASK``. How text becomes tensors is the head's affair, not the task's.
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
    """A task's own options, the recipe's `options`: a child has a field for each."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Several:
    """How several columns of a source make up one of the task's.

    join: a row of the source and the columns, in order -> the one value; raises DataError for a bad row.
    find: the rows of a source and the columns that the task does not read as another -> those that make it up, where
    the recipe names none; empty where there are no such.
    """

    join: Callable[[Row, Sequence[str]], Any]
    find: Callable[[Sequence[Row], Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Inputs:
    """What a trained model is given: a row without its answer.

    columns: those of the task's columns that it may have. example: such a row, under the task's column names, and the
    recipe's options -> the head's example as `read` makes it, but for the answer. Raises DataError. optional: columns
    that may be missing; their values are then None. text: the column that a text alone is; None: no text alone says
    enough. sample: an input as a model card shows it, JSON-able.
    """

    columns: tuple[str, ...]
    example: Callable[[Row, Any], Any]
    optional: tuple[str, ...] = ()
    text: str | None = None
    sample: Any = "A text."


@dataclass(frozen=True)
class Task:
    """One task.

    columns: what the task calls its columns -> the names they usually have in sources, the likeliest first. A number
    counts columns from 0 (negative: from the last), for formats whose columns have no names.
    optional: those of them that a source may lack; their values are then None. later: optional ones that the task has
    only since there are results; where a source lacks one it is no value at all, so that the fingerprints of data, and
    with them the ids of trials, stay as they were.
    several: those of the columns that several of a source may make up: `data.columns.labels: [anger, joy]`.
    text: a row's own columns -> the text by which duplicates are known and single files are split.
    reshape: a file's rows, and the recipe's names of columns -> rows that have the task's columns, where a layout that
    data sets have says the same in others; None: rows stay as they are.
    split: the rows of a single file -> splits, where it is not by a hash; None: by a hash.
    gather_by: the column that numbers the sentences of a table with one word per row, whose rows are gathered; None: a
    row is always one example.
    group: a row's own columns -> what must not lie on two sides when a single file is split; None: the text.
    read: splits of rows, under the task's column names, and what becomes of bad rows -> the head's examples. The
    recipe's options are given by name.
    inputs: what a trained model is given; None: what its head reads, such as a text: see `inference/kinds`.
    metrics: names in `metrics/`, alone or with options; the first one's headline is the task's. metrics_for: the
    recipe's options -> the metrics, where they depend on them. baselines: names in `baselines/`.
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
