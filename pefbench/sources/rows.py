"""Rows as a source has them, and their fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pefbench.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")
Values = dict[str, Any]
"""Column -> a row's value: of any type of JSON or Parquet, until a task checks it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source.

    values: column name -> value; None if the source has none. CoNLL columns are named "0", "1", ..., each a list[str],
    all of equal length. file: the file relative to the source, or ``hf:owner/name/split``. line: from 1. CoNLL: the
    first token's line, token i is on line + i (`line_a_token`); JSON, Parquet and the hub: the row's number; 0: no
    lines, as for a user's input. names: a task's column name -> the source's, once a task has named the columns.
    document: the name of the document that the row is from, if the format marks documents. group: what the recipe's
    `data.group` says that the row belongs to; "" if it belongs to no other row.
    """

    values: Values
    file: str
    line: int
    line_a_token: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    document: str = field(default="", compare=False)  # a stream of rows, read in parts, does not know it
    group: str = ""

    @property
    def where(self) -> str:
        """``file:line`` for messages."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def name(self, column: str) -> str:
        """The source's name of a task's column, for messages."""
        return self.names.get(column, column)

    def at(self, token: int) -> str:
        """``file:line`` of one of the row's tokens: the token's line in a CoNLL file, else the row's."""
        return f"{self.file}:{self.line + token * self.line_a_token}"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one file or split.

    columns: in the source's order. revision: a hub split's commit. notes: what a reader of the results should know
    about how the rows were read.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    revision: str | None = None
    notes: tuple[str, ...] = ()


class BadRows:
    """Handles bad rows: the first one is an error, or all are left out.

    skip: leave them out and collect what was wrong, with file and line, in `found`; otherwise the first error is raised
    and kept in `refused`. strict_tags: a sentence whose tags deviate from the data set's scheme is also a bad row.
    count_unseen: a row with a label that the training split lacks is not a bad row.
    """

    def __init__(self, *, skip: bool = False, strict_tags: bool = False, count_unseen: bool = False) -> None:
        self.skip = skip
        self.strict_tags = strict_tags
        self.count_unseen = count_unseen
        self.found: list[str] = []
        self.refused: DataError | None = None

    def __call__(self, error: DataError) -> None:
        """Raise a row's error, or collect it; the caller then leaves the row out."""
        if not self.skip:
            self.refused = error
            raise error
        self.found.append(str(error))

    @property
    def told(self) -> str:
        """A note: how many rows were left out, and the first of them; "" if none were."""
        return f"left out {counted(len(self.found), 'bad row')}, the first {self.found[0]}" if self.found else ""

    def good(self, rows: Iterable[Row], read: Callable[[Row], T]) -> list[T]:
        """The results of `read` for all rows for which it does not raise DataError; examples get their row's group."""
        values = []
        for row in rows:
            try:
                values.append(_in_group(read(row), row.group))
            except DataError as error:
                self(error)
        return values


def _in_group(found: T, group: str) -> T:
    """What was read from a row, with the row's group: an example or a list of examples; anything else unchanged."""
    if not group:
        return found
    if isinstance(found, list):
        return [_in_group(each, group) for each in found]  # type: ignore[return-value]  # a list of the same type
    grouped = is_dataclass(found) and not isinstance(found, type) and hasattr(found, "group")
    return replace(found, group=group) if grouped else found  # type: ignore[type-var]


def fingerprint(splits: Mapping[str, Sequence[Row]]) -> str:
    """The sha256 (hex) of every split's name and its rows' values, and groups if they have any, in canonical JSON.

    The order of rows counts; the order of splits and columns, file names and line numbers do not.
    """
    digest = hashlib.sha256()
    for name in sorted(splits):
        digest.update(_canonical([name]))
        for row in splits[name]:
            digest.update(_canonical(row.values))
            if row.group:
                digest.update(_canonical([row.group]))
    return digest.hexdigest()


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_as_json)
    return text.encode("ascii") + b"\n"


def _as_json(value: object) -> object:
    """Convert types that Parquet has but JSON lacks: bytes, decimals, dates and times."""
    return {type(value).__name__: value.hex() if isinstance(value, bytes) else str(value)}
