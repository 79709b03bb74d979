"""The predictions that a trial keeps beside its result: their files and their rows."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from pefbench import atomic
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.store import Stored


class AnsweredExample(TypedDict):
    """One test example."""

    id: int  # index in the test split, from 0
    prompt: NotRequired[str]  # its beginning; `asked` in older files
    prediction: Any  # an answer of the task's head
    reference: Any  # what it is compared with
    correct: bool
    cluster: NotRequired[int]  # number of its cluster of dependent examples; present if any example has one
    digest: NotRequired[str]  # of an imported run: the tool's hash of the example
    scores: NotRequired[dict[str, float]]  # of an imported run: metric -> value of this example


FIELDS = AnsweredExample.__annotations__.keys() - {"prompt", "cluster", "digest", "scores"}


def clusters(rows: Sequence[AnsweredExample]) -> list[int] | None:
    """The number of each example's cluster; None if each example is independent or the file does not say."""
    found = [row["cluster"] for row in rows if "cluster" in row]
    return found if rows and len(found) == len(rows) else None


PACKED = ".predictions.jsonl.gz"
"""Suffix of a file of predictions that is beside its result instead of in the trial's folder."""


def file_of(stored: Stored) -> Path | None:
    """The file of a trial's predictions; None if they were not kept (results may be copied without them)."""
    artifacts = stored.result.get("artifacts")
    named = artifacts and artifacts["predictions"]
    file, packed = stored.path.parent / str(named), packed_file(stored)
    if named and file.is_file():
        return file
    return packed if packed.is_file() else None


def packed_file(stored: Stored) -> Path:
    """The file of a trial's packed predictions."""
    return stored.path.with_suffix(PACKED)


def pack(stored: Stored) -> Path | None:
    """Write a trial's predictions beside its result, compressed and without prompts; return the file.

    Return None and write nothing if there are no predictions, or if answers are texts: the references are then part of
    the data, which must not be redistributed. Raises DataError for a damaged file.
    """
    file = file_of(stored)
    rows = [] if file is None else read(file)
    if not rows or any(_is_text(row) for row in rows):
        return None
    kept = [{name: value for name, value in row.items() if name != "prompt"} for row in rows]
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in kept)
    to = packed_file(stored)
    with atomic.replacing(to) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))  # the same bytes each time
    return to


def _is_text(row: AnsweredExample) -> bool:
    """Whether an answer is free text, not a label, number, choice or list of tags."""
    reference, prediction = row["reference"], row["prediction"]
    return isinstance(reference, dict) or (isinstance(reference, list) and isinstance(prediction, str))


def read(file: Path) -> list[AnsweredExample]:
    """The rows of a file of predictions, packed or not. Raises DataError, with the line, if it is damaged."""
    rows: list[AnsweredExample] = []
    try:
        content = file.read_bytes()
        lines = (gzip.decompress(content) if file.suffix == ".gz" else content).decode("utf8").split("\n")
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; the trial's predictions lie there") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as text ({type(error).__name__})") from None
    for number, line in enumerate(lines, start=1):
        if line:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict) or not row.keys() >= FIELDS:
                raise DataError(f"{file}:{number}: not a prediction ({', '.join(sorted(FIELDS))})")
            if "asked" in row:
                row["prompt"] = row.pop("asked")
            rows.append(cast("AnsweredExample", row))
    return rows
