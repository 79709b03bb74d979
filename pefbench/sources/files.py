"""Finds the file or folder of a source that is meant."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import SourceError
from pefbench.sources import readers
from pefbench.sources.formats.parallel import is_pair
from pefbench.sources.listing import listing, near
from pefbench.sources.transport.local import names

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 6
TEXT_SUFFIXES = (".conll", ".iob", ".bio", ".txt")


def choose(path: Path, part: str | None, source: str) -> tuple[Path, str]:
    """The file or folder that `part` names in a source, and its name relative to the source.

    Without a part it is the source itself; the name of a folder is then "". A part may also be a split inside a file,
    with the name ``FILE#SPLIT``, or two files with parallel text, ``FILE+FILE``, with the folder's path. The reader
    checks whether its format has the part. Raises SourceError.
    """
    if path.is_file():
        return path, path.name if part in {None, path.name} else f"{path.name}#{part}"
    if part is None:
        return path, ""
    if PurePosixPath(part).is_absolute() or ".." in PurePosixPath(part).parts:
        raise SourceError(f"{source}: the part {part!r} must lie inside the source")
    if is_pair(path, part):
        return path, part
    for inside in (part, part.rpartition("#")[0]):
        if inside and (path / inside).exists():
            return path / inside, part
    raise SourceError(f"{source}: has no file {part!r}; {near(part, names(path))}")


def only_file(folder: Path, shown: str) -> str:
    """The only file in a folder that looks like data. Raises SourceError if there are several or none."""
    valid = names(folder)
    suffixes = {*readers.by_suffix(), *TEXT_SUFFIXES}
    data = [name for name in valid if readers.suffix_of(name) in suffixes] or valid
    if len(data) != 1:
        raise SourceError(
            f"{shown or 'file:.'}: name the file to read in this folder; it has {listing(data)}{_inside(folder)}"
        )
    return data[0]


def _inside(folder: Path) -> str:
    """A hint, for messages, about subfolders that can be read as a whole; "" if there are none."""
    inside = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    found = [each.name for each in inside if readers.by_layout(each) is not None]
    if not found:
        return ""
    train = next((name for name in found if name.startswith("train")), found[-1])
    return f"; {', '.join(found[:SHOWN])} can be read as a whole, as in -o data.train={train}"
