"""Files and folders of this machine: those that are there, and what is there instead of one that is missing."""

from __future__ import annotations

from pathlib import Path

from pefbench.errors import SourceError
from pefbench.sources.listing import near


def existing(path: Path, source: str, root: Path | None = None) -> Path:
    """The path when it is there, else raise SourceError with what is. root: what messages leave out."""
    if path.exists():
        return path
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    shown = folder.relative_to(root) if root else folder
    missing = path.relative_to(folder).parts[0]
    if not folder.is_dir():
        raise SourceError(f"{source}: {shown} is a file, not a folder")
    there = near(missing, [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")])
    if shown == Path():
        shown = Path("the wheel" if root else "the working directory")
    raise SourceError(f"{source}: no {missing!r} in {shown}; {there}")


def names(path: Path) -> list[str]:
    """The visible files below a folder, relative to it and sorted; of a file, its own name."""
    if path.is_file():
        return [path.name]
    inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return sorted(file.as_posix() for file in inside if not any(part.startswith(".") for part in file.parts))
