"""Folders of results that commands read, and files that they write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.cli._terminal import complain
from pefbench.errors import DataError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.store import Loaded
    from pefbench.results.verdict_schema import Comparison


def loaded_from(folder: Path, *, exclude: Path | None = None, without: Sequence[str] = ("curve",)) -> Loaded:
    """Read a folder's results, and warn of each file that is damaged: the exit status must say so, too."""
    from pefbench.results import store

    loaded = store.load_results(folder, exclude=exclude, without=without)
    for problem in loaded.problems:
        complain(f"warning: skipped {problem}")
    return loaded


def verdicts_below(folder: Path) -> tuple[list[Comparison], int]:
    """What comparisons below a folder found, and how many of their files are damaged: each is told of."""
    from pefbench.compare import report

    found, damaged = [], 0
    for file in sorted(folder.rglob("comparison.json")) if folder.is_dir() else ():
        try:
            found.append(report.read(file))
        except DataError as error:
            complain(f"warning: skipped {error}")
            damaged += 1
    return found, damaged


def write_file(file: Path, content: str) -> None:
    """Write text, with the folders above it; a pipe or a device is written to as it is. Raises OutputError."""
    if file.is_file() or not file.exists():
        atomic.write_text(file, content)
        return
    try:
        file.write_text(content, encoding="utf8")
    except OSError as error:
        raise OutputError(f"cannot write {file}: {error.strerror or type(error).__name__}") from None
