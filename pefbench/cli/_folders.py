"""Folders of results that commands read, and files that they write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.cli._terminal import complain
from pefbench.errors import DataError, OutputError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.results.place import Place
    from pefbench.results.store import Loaded
    from pefbench.results.verdict_schema import Comparison


def loaded_from(results: str | Place, *, exclude: Path | None = None, without: Sequence[str] = ("curve",)) -> Loaded:
    """Read all results of a place, and warn of each file that is damaged: the exit status must say so, too."""
    from pefbench.results import store
    from pefbench.results.address import place_at

    place = place_at(results)
    if not place.pull():
        raise UserError(f"no result in {place}")
    loaded = store.load_results(place.folder, exclude=exclude, without=without)
    for problem in loaded.problems:
        complain(f"warning: skipped {problem}")
    return loaded


def verdicts_below(results: str) -> tuple[list[Comparison], int]:
    """What comparisons of a place that was loaded found, and how many of their files are damaged: each is told of."""
    from pefbench.compare import report
    from pefbench.results.address import place_at

    found, damaged, folder = [], 0, place_at(results).folder
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
