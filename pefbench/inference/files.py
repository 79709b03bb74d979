"""Answer a whole file. The answers appear whole or not at all, and a job that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from pefbench import atomic, sources
from pefbench.errors import DataError
from pefbench.progress import Progress
from pefbench.registry import find
from pefbench.sources import BadRows
from pefbench.sources.cells import as_list
from pefbench.sources.transport.digests import digest_of
from pefbench.tasks.reading.columns import found_columns
from pefbench.trial.saved import ABOUT, TRIAL

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.inference.kind import Json, Query
    from pefbench.inference.model import Model
    from pefbench.sources import Rows
    from pefbench.tasks import Task

BATCHES = 16
"""Batches that are written together; a job goes on after the last of them that is whole."""


def check(file: Path, out: Path) -> None:
    """Raise DataError, before anything is loaded, for a file that is not there or empty."""
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    if not file.stat().st_size:
        raise DataError(f"{file}: is empty")
    if out.exists() and (out.is_dir() or out.samefile(file)):
        raise DataError(f"--out {out}: {'is a folder' if out.is_dir() else 'is the file that is read'}; name another")


def predict(model: Model, folder: Path, file: Path, out: Path, *, named: str | None = None) -> int:
    """Write an answer for each row of `file` to `out`, one JSON object a line; return how many.

    folder: the trial's, so that only answers of the same trial to the same file are gone on with. named: the file's
    format. Raises DataError for a row that cannot be asked, before the first is; OutputError.
    """
    queries = _queries(model, file, named)
    partial = out.with_name(f".{out.name}.{_job(folder, file, named)}.partial")
    together = model.batch_size * BATCHES
    starts = range(0, len(queries), together)
    with atomic.output_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        done = _whole_lines(partial, together, len(queries))
        with (
            partial.open("a", encoding="utf8") as lines,
            Progress(file.name, len(starts), start=-(-done // together), lasting=False) as progress,
        ):
            for start in starts[-(-done // together) :]:
                answers = model.answers(queries[start : start + together])
                rows = ({"id": start + i, **answer} for i, answer in enumerate(answers))
                lines.write("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
                lines.flush()
                progress.step()
            os.fsync(lines.fileno())
        partial.replace(out)
    return len(queries)


def _queries(model: Model, file: Path, named: str | None) -> list[Query]:
    """The rows of a file as the model reads them."""
    task: Task = find("task", model.task)
    table = sources.read_rows(f"file:{file.resolve()}", format=named, text_format=task.text_format)
    rows = _sentences(model, table, task).rows
    return [model.query(_values(model, row.values), row.where) for row in rows]


def _sentences(model: Model, table: Rows, task: Task) -> Rows:
    """A table with one word per row by sentence; any other as it is."""
    if not task.gather_by or "tokens" not in model.columns:
        return table
    words = found_columns(model.columns["tokens"], table.columns)[:1]
    by = found_columns(task.columns[task.gather_by], table.columns)
    if not words or words == ["text"]:
        return table
    return sources.gather(table, by[0] if by else None, words, BadRows())


def _values(model: Model, values: Json) -> Json:
    """A row's values, lists of words that are written as text read as lists."""
    if "tokens" not in model.columns:
        return values
    try:
        return {name: as_list(cell) or cell if isinstance(cell, str) else cell for name, cell in values.items()}
    except ValueError:
        return values


def _job(folder: Path, file: Path, named: str | None) -> str:
    """What names this trial on this file."""
    about = folder / (TRIAL if (folder / TRIAL).exists() else ABOUT)
    return hashlib.sha256(f"{digest_of(about)} {digest_of(file)} {named}".encode()).hexdigest()[:12]


def _whole_lines(partial: Path, together: int, most: int) -> int:
    """How many answers an earlier job left; what follows the last whole group of them is cut off."""
    if not partial.exists():
        return 0
    lines = partial.read_bytes().splitlines(keepends=True)
    whole = len(lines) - bool(lines and not lines[-1].endswith(b"\n"))
    kept = whole if whole == most else whole - whole % together
    os.truncate(partial, sum(map(len, lines[:kept])))
    return kept
