"""The predictions that a trial keeps beside its result: where they lie, and their rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.store import Stored


class Row(TypedDict):
    """One test example."""

    id: int  # its place in the test split, from 0
    asked: NotRequired[str]  # the beginning of its prompt
    prediction: Any  # an answer of the task's head
    reference: Any  # what it is compared with
    correct: bool
    cluster: NotRequired[int]  # number of what it has in common with others and depends on, where any example has it


FIELDS = Row.__annotations__.keys() - {"asked", "cluster"}


def clusters(rows: Sequence[Row]) -> list[int] | None:
    """The number of each example's cluster; None where each stands for itself, or a file does not say."""
    found = [row["cluster"] for row in rows if "cluster" in row]
    return found if rows and len(found) == len(rows) else None


def file_of(stored: Stored) -> Path | None:
    """Where a trial's predictions lie, or None where they were not kept (results alone may be copied)."""
    artifacts = stored.result.get("artifacts")
    named = artifacts and artifacts["predictions"]
    file = stored.path.parent / str(named)
    return file if named and file.is_file() else None


def read(file: Path) -> list[Row]:
    """The rows of a file of predictions. Raises DataError, with the line, when it is damaged."""
    rows: list[Row] = []
    try:
        lines = file.read_text(encoding="utf8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as text ({type(error).__name__})") from None
    for number, line in enumerate(lines, start=1):
        if line:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict) or not row.keys() >= FIELDS:
                raise DataError(f"{file}:{number}: not a prediction ({', '.join(sorted(FIELDS))})")
            rows.append(cast("Row", row))
    return rows
