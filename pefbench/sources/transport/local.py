"""Local files and folders, with helpful errors for missing ones."""

from __future__ import annotations

from pathlib import Path

from pefbench.errors import SourceError
from pefbench.sources.listing import near


def existing(path: Path, source: str, root: Path | None = None) -> Path:
    """The path if it exists; otherwise raise SourceError with what exists instead. root: left out of messages."""
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
    """The visible files below a folder, relative to it and sorted; for a file, its own name."""
    if path.is_file():
        return [path.name]
    inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return sorted(file.as_posix() for file in inside if not any(part.startswith(".") for part in file.parts))
