"""Tasks: what a row means, which metrics count, and what is sensible by default.

One file is one task; it exports ``TASK``. How text becomes tensors is the head's affair, not the task's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from pefbench.errors import DataError
from pefbench.sources.cells import clean_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.heads import Dataset
    from pefbench.sources import Row


LONGEST_NAME = 40
"""Characters of a column's name that a message shows; what is longer is hardly a name."""


class Options(BaseModel):
    """A task's own options, the recipe's `options`: a child has a field for each."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Task:
    """One task.

    columns: what the task calls its columns -> the names they usually have in sources, the likeliest first. A number
    counts columns from 0 (negative: from the last), for formats whose columns have no names.
    optional: those of them that a source may lack; their values are then None.
    text: a row's own columns -> the text by which duplicates are known and single files are split.
    split: the rows of a single file -> splits, where it is not by a hash; None: by a hash.
    gather_by: the column that numbers the sentences of a table with one word per row, whose rows are gathered; None: a
    row is always one example.
    group: a row's own columns -> what must not lie on two sides when a single file is split; None: the text.
    read: splits of rows, under the task's column names, and what becomes of bad rows -> the head's examples. The
    recipe's options are given by name.
    metrics: names in `metrics/`; the first one's headline is the task's. baselines: names in `baselines/`.
    """

    head: str
    columns: Mapping[str, tuple[str | int, ...]]
    text: Callable[[Mapping[str, Any]], str]
    read: Callable[..., Dataset]
    metrics: tuple[str, ...]
    defaults: Mapping[str, Mapping[str, Any]]
    text_format: str = "jsonl"
    baselines: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    gather_by: str | None = None
    group: Callable[[Mapping[str, Any]], str] | None = None
    options: type[Options] = Options
    split: Callable[[Sequence[Row]], Mapping[str, list[Row]]] | None = None


def resolve_columns(task: Task, named: Mapping[str, str | int], available: Sequence[str]) -> dict[str, str]:
    """The task's column names -> the source's, without optional ones that are not there.

    Raises DataError with the columns that are there.
    """
    resolved = {}
    for column, usual in task.columns.items():
        candidates = [_column(choice, available) for choice in ([named[column]] if column in named else usual)]
        found = next((name for name in candidates if name is not None), None)
        if found is None and column in task.optional and column not in named:
            continue
        if found is None:
            wanted = repr(named[column]) if column in named else " or ".join(repr(name) for name in usual)
            raise DataError(
                f"no column {wanted} for the task's {column!r}; the columns are: {_listing(available)} "
                f"(say which with data.columns.{column}{_header_hint(available)})"
            )
        resolved[column] = found
    return resolved


def _listing(names: Sequence[str], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(name[:LONGEST_NAME] for name in names[:limit]) + more


def _header_hint(names: Sequence[str]) -> str:
    """A hint where the names look like a row's values."""
    is_row = any(len(name) > LONGEST_NAME or name.isdecimal() for name in names) and not _are_numbers(names)
    return "; where the first line is a row, data.header=false numbers the columns from 0" if is_row else ""


def _are_numbers(names: Sequence[str]) -> bool:
    return all(name.isdecimal() for name in names)


def _column(choice: str | int, available: Sequence[str]) -> str | None:
    if isinstance(choice, str):
        return next((name for name in (choice, clean_name(choice)) if name in available), None)
    unnamed = _are_numbers(available)
    return available[choice] if unnamed and -len(available) <= choice < len(available) else None
