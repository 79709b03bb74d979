"""Answer a whole file. The output appears complete or not at all; a job that was killed resumes where it stopped."""

from __future__ import annotations

import glob
import hashlib
import itertools
import json
import os
from typing import TYPE_CHECKING

from pefbench import atomic, sources
from pefbench.errors import DataError, quoted
from pefbench.progress import Progress
from pefbench.registry import find
from pefbench.sources import BadRows
from pefbench.sources.cells import as_list
from pefbench.sources.transport.digests import digest_of
from pefbench.tasks.reading.columns import found_columns
from pefbench.trial.saved import ABOUT, TRIAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.inference.kind import Json, Query
    from pefbench.inference.model import Model
    from pefbench.sources import Row, Rows
    from pefbench.tasks import Task

BY_LINE = "; texts, one a line, are read from standard input:"
BATCHES = 16
"""Batches per write; a job resumes after the last complete write."""


def check(file: Path, out: Path) -> None:
    """Before anything is loaded, raise a UserError for a missing or empty file and for an impossible --out."""
    if not file.is_file():
        raise DataError(f"{file}: {'is a folder; name a file' if file.is_dir() else 'no such file'}")
    if not file.stat().st_size:
        raise DataError(f"{file}: is empty")
    if out.exists():
        _check_replaceable(file, out)
    atomic.check_writable(out)


def _check_replaceable(file: Path, out: Path) -> None:
    """Raise DataError unless `out` is another regular file; a device would be replaced instead of written to."""
    if out.is_dir():
        what = "is a folder"
    elif not out.is_file():
        what = "is a device or a pipe, not a file"
    elif out.samefile(file):
        what = "is the file that is read"
    else:
        return
    raise DataError(f"--out {out}: {what}; name another")


def predict(model: Model, folder: Path, file: Path, out: Path, *, named: str | None = None) -> int:
    """Write an answer for each row of `file` to `out`, one JSON object per line; return how many.

    folder: the trial's; an interrupted job is resumed only for the same trial and the same file. named: the file's
    format. Every row is read twice, to check it and to answer it. Only a few rows are in memory at a time, unless the
    format must be read as a whole. Raises DataError for a row that cannot be answered, before answering any, and for a
    file that changes meanwhile; OutputError if `out` cannot be written.
    """
    before, together = _state(file), model.batch_size * BATCHES
    partial = out.with_name(f".{out.name}.{_job(folder, file, named)}.partial")
    _refuse_others(partial, out)
    count = sum(1 for _ in _queries(model, file, named))
    with atomic.output_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        done = _whole_lines(partial, together, count)
        with (
            partial.open("a", encoding="utf8") as lines,
            Progress(file.name, -(-count // together), start=-(-done // together), lasting=False) as progress,
        ):
            queries = itertools.islice(_queries(model, file, named), done, None)
            while batch := list(itertools.islice(queries, together)):
                answers = model.answers(batch)
                _check_unchanged(file, before)
                rows = ({"id": done + i, **answer} for i, answer in enumerate(answers))
                lines.write("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
                lines.flush()
                done += len(batch)
                progress.step()
            os.fsync(lines.fileno())
        _check_unchanged(file, before)
        partial.replace(out)
    return count


def _state(file: Path) -> tuple[int, int, int]:
    """A state that changes whenever the file is written to or replaced."""
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _check_unchanged(file: Path, before: tuple[int, int, int]) -> None:
    """Raise DataError if the file has changed."""
    if not file.exists() or _state(file) != before:
        raise DataError(f"{file}: changed while it was being read; start again")


def _refuse_others(partial: Path, out: Path) -> None:
    """Raise DataError if another job was interrupted here: of another trial, or of a file that has changed since."""
    for other in sorted(out.parent.glob(f".{glob.escape(out.name)}.*.partial")):
        if other != partial:
            raise DataError(
                f"--out {out}: an interrupted job of another trial, or of a file that has changed since, left its "
                f"answers in {other}: remove it to start again, or name another --out"
            )


def _queries(model: Model, file: Path, named: str | None) -> Iterator[Query]:
    """The rows of a file as the model reads them, one by one."""
    number = -1
    for number, row in enumerate(_rows(model, file, named)):
        if not number:
            _check_header(model, row, file)
        yield model.query(_values(model, row.values), row.where, number)
    if number < 0:
        raise DataError(f"{file}: has no rows{f'{BY_LINE} < {file}' if _may_be_lines(model, file) else ''}")


def _check_header(model: Model, row: Row, file: Path) -> None:
    """Raise DataError for a file of texts, one per line, whose first line was read as a column name."""
    if _may_be_lines(model, file) and len(row.values) == 1 and not model.knows(row.values):
        [name] = row.values
        raise DataError(f"{file}: its one column is called {quoted(name)}, and not text{BY_LINE} < {file}")


def _may_be_lines(model: Model, file: Path) -> bool:
    """Whether a file's lines may be meant as texts, and the model takes single texts as inputs."""
    return model.reads_texts and file.suffix in ("", ".txt")


def _rows(model: Model, file: Path, named: str | None) -> Iterator[Row]:
    """The rows of a file. A table with one word per row is read as a whole and grouped into sentences."""
    task: Task = find("task", model.task)
    rows = sources.stream_rows(file, format=named, text_format=task.text_format)
    if rows is not None:
        first = next(rows, None)
        if first is None:
            return
        if not _is_table(model, first):
            yield from itertools.chain([first], rows)
            return
    table = sources.read_rows(f"file:{file.resolve()}", format=named, text_format=task.text_format)
    yield from _sentences(model, table, task).rows


def _is_table(model: Model, row: Row) -> bool:
    """Whether rows may be single words: if the model tags words and the format's cells are not lists."""
    return "tokens" in model.columns and not any(isinstance(value, list) for value in row.values.values())


def _sentences(model: Model, table: Rows, task: Task) -> Rows:
    """A table with one word per row, grouped into sentences; any other table unchanged."""
    if not task.gather_by or "tokens" not in model.columns:
        return table
    words = found_columns(model.columns["tokens"], table.columns)[:1]
    by = found_columns(task.columns[task.gather_by], table.columns)
    if not words or words == ["text"]:
        return table
    return sources.gather(table, by[0] if by else None, words, BadRows())


def _values(model: Model, values: Json) -> Json:
    """A row's values, with lists of words parsed if they are written as text."""
    if "tokens" not in model.columns:
        return values
    try:
        return {name: as_list(cell) or cell if isinstance(cell, str) else cell for name, cell in values.items()}
    except ValueError:
        return values


def _job(folder: Path, file: Path, named: str | None) -> str:
    """A key for this trial on this file."""
    about = folder / (TRIAL if (folder / TRIAL).exists() else ABOUT)
    return hashlib.sha256(f"{digest_of(about)} {digest_of(file)} {named}".encode()).hexdigest()[:12]


def _whole_lines(partial: Path, together: int, most: int) -> int:
    """How many answers an earlier job left, in complete groups; anything after the last complete group is cut off."""
    if not partial.exists():
        return 0
    whole, end, kept, at = 0, 0, 0, 0
    with partial.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            whole, end = whole + 1, end + len(line)
            if whole % together == 0 or whole == most:
                kept, at = whole, end
    os.truncate(partial, at)
    return kept
