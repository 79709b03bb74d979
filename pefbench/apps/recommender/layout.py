"""The interface of file layouts: how a layout is recognised and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pefbench.apps.recommender.events import UNREADABLE
from pefbench.errors import DataError, SourceError
from pefbench.sources import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pefbench.apps.recommender.events import Event, Skips

    Read = Callable[[Path, Skips], tuple[list[Event], dict[str, str]]]


OR = " or "


@dataclass(frozen=True)
class Layout:
    """A layout, `LAYOUT` of a module of `layouts/`.

    files: patterns that must all match files of its folder; one may consist of alternatives joined by "or".
    """

    files: tuple[str, ...]
    read: Read

    def fits(self, folder: Path) -> bool:
        """Whether a folder has this layout."""
        return all(any(any(folder.glob(each)) for each in pattern.split(OR)) for pattern in self.files)


def lines(
    file: Path, separator: str, width: int, skips: Skips, encoding: str = "utf-8"
) -> Iterator[tuple[str, list[str]]]:
    """Each line's place and fields; a line with another number of fields is left out. Raises SourceError, DataError."""
    for number, line in enumerate(read_text(file, shown(file), encoding).split("\n"), 1):
        fields = line.rstrip("\r").split(separator)
        if len(fields) == width:
            yield f"{shown(file)}:{number}", fields
        elif line.strip():
            skips(UNREADABLE, f"{shown(file)}:{number}")


def encoding(file: Path) -> str:
    """The encoding of a MovieLens file: UTF-8, or Latin-1 for older files."""
    try:
        read_text(file, shown(file))
    except (DataError, SourceError):
        return "latin-1"
    return "utf-8"


def titled(title: str, genres: list[str]) -> str:
    """An item's text: its title and its genres."""
    return f"{title}: {', '.join(genres)}" if genres else title


def shown(file: Path) -> str:
    """A file's name in messages."""
    return "/".join(file.parts[-2:])
