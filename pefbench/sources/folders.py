"""Functions that the readers of whole folders share: a folder's files and their names in messages."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources.listing import listing
from pefbench.sources.texts import EncodingError, read_text

if TYPE_CHECKING:
    from pathlib import Path


def member(folder: Path, name: str, file: str) -> tuple[str, str]:
    """The text (UTF-8) of a file in a folder, and the file's name for messages. Raises SourceError or DataError.

    name: the folder, relative to the source; "" for the source itself.
    """
    if not (folder / file).is_file():
        raise SourceError(f"{name or folder.name}: should hold {file}; it has {_there(folder)}")
    shown = str(PurePosixPath(name, file))
    try:
        return read_text(folder / file, shown), shown
    except EncodingError as error:
        raise DataError(str(error)) from None  # such a layout is UTF-8, whatever `data.encoding` says


def members(folder: Path, name: str, *suffixes: str) -> list[str]:
    """The names of a folder's direct files with these suffixes, sorted. Raises SourceError if there are none."""
    found = sorted(file.name for file in folder.iterdir() if file.suffix in suffixes and file.is_file())
    found = [file for file in found if not file.startswith(".")]
    if not found:
        wanted = " or ".join(f"*{suffix}" for suffix in suffixes)
        raise SourceError(f"{name or folder.name}: should hold {wanted}; it has {_there(folder)}")
    return found


def _there(folder: Path) -> str:
    return listing([entry.name for entry in folder.iterdir() if not entry.name.startswith(".")])
