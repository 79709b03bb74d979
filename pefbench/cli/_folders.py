"""Folders of results that commands read, and files that they write."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pefbench import atomic
from pefbench.cli._terminal import complain
from pefbench.errors import DataError, OutputError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pefbench.results.place import Place
    from pefbench.results.search_schema import Found
    from pefbench.results.store import Loaded
    from pefbench.results.verdict_schema import Comparison

Record = TypeVar("Record")


def loaded_from(results: str | Place, *, exclude: Path | None = None, without: Sequence[str] = ("curve",)) -> Loaded:
    """Read all results of a place, and warn about each damaged file, which the exit status must reflect, too."""
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
    """The comparisons in a place that was loaded, and how many of their files are damaged; warns about each."""
    from pefbench.compare import report

    return _records_below(results, "comparison.json", report.read)


def searches_below(results: str) -> tuple[list[Found], int]:
    """The records of searches in a place that was loaded, and how many are damaged; warns about each."""
    from pefbench.search import record

    return _records_below(results, record.SEARCH, record.read)


def _records_below(results: str, name: str, read: Callable[[Path], Record]) -> tuple[list[Record], int]:
    from pefbench.results.address import place_at

    folder = place_at(results).folder
    found: list[Record] = []
    damaged = 0
    for file in sorted(folder.rglob(name)) if folder.is_dir() else ():
        try:
            found.append(read(file))
        except DataError as error:
            complain(f"warning: skipped {error}")
            damaged += 1
    return found, damaged


def write_file(file: Path, content: str) -> None:
    """Write text, creating parent folders; pipes and devices are written to directly. Raises OutputError."""
    if file.is_file() or not file.exists():
        atomic.write_text(file, content)
        return
    try:
        file.write_text(content, encoding="utf8")
    except OSError as error:
        raise OutputError(f"cannot write {file}: {atomic.reason(error)}") from None
