"""Writes an imported run as files: its result, and its answers beside it if there are any."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.errors import DataError
from pefbench.results.store import read_result

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.foreign.imported import Imported
    from pefbench.results.place import Place
    from pefbench.results.schema import Result

PREDICTIONS = "predictions.jsonl"


def write(imported: Imported, out: Place) -> tuple[Path, bool]:
    """Write a run to a place; return its result file, and whether it is new or changed.

    Raises OutputError if it cannot be written.
    """
    result = imported.result
    path = out.folder / _folder(result["recipe"]["name"]) / f"{result['id']}.json"
    if imported.rows:
        result = {**result, "artifacts": {"folder": None, "predictions": f"{path.stem}/{PREDICTIONS}"}}
    out.fetch(path)
    if _is_there(path, result):
        return path, False
    if imported.rows:
        lines = "".join(f"{json.dumps(row, ensure_ascii=False, allow_nan=False)}\n" for row in imported.rows)
        atomic.write_text(path.parent / path.stem / PREDICTIONS, lines)
    out.write(path, result, again=True)
    return path, True


def _is_there(path: Path, result: Result) -> bool:
    """Whether the same result was written before, with its answers."""
    artifacts = result.get("artifacts")
    if artifacts and not (path.parent / str(artifacts["predictions"])).is_file():
        return False
    try:
        return path.is_file() and read_result(path) == result
    except DataError:
        return False


def _folder(name: str) -> str:
    """A run's name as a folder name: path separators and characters that file systems reject become underscores."""
    return re.sub(r'[\s"<>:/|\\?*\[\]]+', "__", name).strip("._") or "unnamed"
