"""A folder written by Hugging Face's ``save_to_disk``: ``data-00000-of-00002.arrow``, ``state.json`` and so on."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.documents import parse
from pefbench.sources.folders import member
from pefbench.sources.formats.arrow import read_arrow
from pefbench.sources.reader import LayoutReader
from pefbench.sources.rows import Rows
from pefbench.sources.texts import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.rows import BadRows

STATE = "state.json"


def fits(folder: Path) -> bool:
    """Whether a folder has a saved data set in it."""
    return (folder / STATE).is_file() and any(folder.glob("*.arrow"))


def read_saved_dataset(folder: Path, name: str, bad: BadRows, _: str) -> Rows:
    """Read the rows of all its files in order; a row's line is its number in its file.

    Splits that were saved together have separate folders. Raises DataError, also for a missing file.
    """
    rows = [read_arrow(data, shown, bad) for shown, data in _files(folder, name)]
    if any(each.columns != rows[0].columns for each in rows):
        raise DataError(f"{PurePosixPath(name, STATE)}: its files have different columns")
    return Rows(rows[0].columns if rows else (), [row for each in rows for row in each.rows])


def _files(folder: Path, name: str) -> list[tuple[str, bytes]]:
    """The name and the content of each file."""
    text, shown = member(folder, name, STATE)
    state = parse(text, shown)
    listed = state.get("_data_files") if isinstance(state, dict) else None
    names = [each.get("filename") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    there = {file.name for file in folder.glob("*.arrow")}  # may include files that `map` left
    if not names or not {*map(str, names)} <= there:
        raise DataError(f"{shown}: should name files of the folder, names {str(names)[:200]}")
    found = [str(each) for each in names]
    return [(str(PurePosixPath(name, each)), read_bytes(folder / each, each)) for each in found]


READER = LayoutReader(read_saved_dataset, fits)
