"""What a layout of files is to the rest: how it is known, and what reads it."""

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

    files: patterns of what its folder holds, all of them; one may have several patterns with "or" between them.
    """

    files: tuple[str, ...]
    read: Read

    def fits(self, folder: Path) -> bool:
        """Whether a folder has this layout."""
        return all(any(any(folder.glob(each)) for each in pattern.split(OR)) for pattern in self.files)


def lines(
    file: Path, separator: str, width: int, skips: Skips, encoding: str = "utf-8"
) -> Iterator[tuple[str, list[str]]]:
    """Each line's place and its fields; a line of fewer or more is left out. Raises SourceError or DataError."""
    for number, line in enumerate(read_text(file, shown(file), encoding).split("\n"), 1):
        fields = line.rstrip("\r").split(separator)
        if len(fields) == width:
            yield f"{shown(file)}:{number}", fields
        elif line.strip():
            skips(UNREADABLE, f"{shown(file)}:{number}")


def encoding(file: Path) -> str:
    """The encoding of a file of MovieLens: UTF-8, or Latin-1 in the older ones."""
    try:
        read_text(file, shown(file))
    except (DataError, SourceError):
        return "latin-1"
    return "utf-8"


def titled(title: str, genres: list[str]) -> str:
    """An item's text: its title and its genres."""
    return f"{title}: {', '.join(genres)}" if genres else title


def shown(file: Path) -> str:
    """What messages call a file."""
    return "/".join(file.parts[-2:])
