"""Rows as they lie in a source, and the fingerprint of what was read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pefbench.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")
Values = dict[str, Any]
"""Column -> what a row holds there: anything that JSON or Parquet has, until a task says what it should be."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source.

    values: column name -> value; None where the source has none. CoNLL columns are named "0", "1", ..., each a
    list[str], all of one length. file: the file relative to the source, or ``hf:owner/name/split``. line: from 1;
    CoNLL: the line of the first token, token i is on line + i (`line_a_token`); JSON, Parquet and the hub: the number
    of the row; 0: there are no lines, as in what a user asks. names: a task's name of a column -> the source's, where
    a task has named the columns.
    """

    values: Values
    file: str
    line: int
    line_a_token: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """``file:line`` for messages."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def name(self, column: str) -> str:
        """The source's name of a task's column, for messages."""
        return self.names.get(column, column)

    def at(self, token: int) -> str:
        """``file:line`` of one of the row's tokens: its own line in a CoNLL file, else the row's."""
        return f"{self.file}:{self.line + token * self.line_a_token}"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one file or split.

    columns: in the source's order. revision: the commit that a hub split is of. notes: what a reader of the results
    should know of how they were read.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    revision: str | None = None
    notes: tuple[str, ...] = ()


class BadRows:
    """What becomes of rows that are not what they should be: the first one is an error, or all are left out.

    skip: leave them out, and remember of each what was wrong, with its file and line, in `found`;
    else the error of the first is `refused`.
    strict_tags: a sentence whose tags depart from the data set's scheme is a bad row too. count_unseen: a row whose
    label the training split does not have is none.
    """

    def __init__(self, *, skip: bool = False, strict_tags: bool = False, count_unseen: bool = False) -> None:
        self.skip = skip
        self.strict_tags = strict_tags
        self.count_unseen = count_unseen
        self.found: list[str] = []
        self.refused: DataError | None = None

    def __call__(self, error: DataError) -> None:
        """Raise the error of one row, or remember it: then the caller leaves the row out."""
        if not self.skip:
            self.refused = error
            raise error
        self.found.append(str(error))

    @property
    def told(self) -> str:
        """How many rows were left out, and the first of them; "" where none were."""
        return f"left out {counted(len(self.found), 'bad row')}, the first {self.found[0]}" if self.found else ""

    def good(self, rows: Iterable[Row], read: Callable[[Row], T]) -> list[T]:
        """What `read` makes of each row that it does not refuse with a DataError."""
        values = []
        for row in rows:
            try:
                values.append(read(row))
            except DataError as error:
                self(error)
        return values


def fingerprint(splits: Mapping[str, Sequence[Row]]) -> str:
    """The sha256 (hex) of every split's name and its rows' values, in canonical JSON.

    The order of rows counts; the order of splits and columns, file names and line numbers do not.
    """
    digest = hashlib.sha256()
    for name in sorted(splits):
        digest.update(_canonical([name]))
        for row in splits[name]:
            digest.update(_canonical(row.values))
    return digest.hexdigest()


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_as_json)
    return text.encode("ascii") + b"\n"


def _as_json(value: object) -> object:
    """Write what Parquet has and JSON has not: bytes, decimals, dates and times."""
    return {type(value).__name__: value.hex() if isinstance(value, bytes) else str(value)}
