"""Checksums of cached folders: files that changed since they were unpacked are detected before they are used.

A wheel is checked against its pinned sha256 once, when it is downloaded; then only its files are kept, and their
digests next to them, in the format of ``sha256sum``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.errors import SourceError
from pefbench.sources.transport.digests import digest_of

if TYPE_CHECKING:
    from pathlib import Path


def record(folder: Path, sums: Path) -> None:
    """Write the digests of all files of a folder."""
    lines = (f"{digest_of(folder / name)}  {name}\n" for name in _files(folder))
    sums.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(sums, "".join(lines))


def verify(folder: Path, inside: str, sums: Path, source: str) -> None:
    """Raise SourceError unless the files below `inside`, a path in the folder, match the recorded digests."""
    recorded = {name: digest for name, digest in _recorded(sums).items() if _is_below(name, inside)}
    there = [name for name in _files(folder) if _is_below(name, inside)]
    changed = sorted({*recorded} ^ {*there}) or [name for name in there if _digest(folder / name) != recorded[name]]
    if changed:
        raise SourceError(
            f"{source}: the cached {changed[0]!r} is not what was downloaded; remove {folder} to download it again"
        )


def _files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _is_below(name: str, inside: str) -> bool:
    return inside in {".", name} or name.startswith(f"{inside}/")


def _recorded(sums: Path) -> dict[str, str]:
    lines = sums.read_text(encoding="utf-8").split("\n")
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}


def _digest(file: Path) -> str:
    """A file's digest, computed once per process as long as its size and time stay the same."""
    status = file.stat()
    return _computed(file, status.st_size, status.st_mtime_ns)


@cache
def _computed(file: Path, _size: int, _time: int) -> str:
    return digest_of(file)
