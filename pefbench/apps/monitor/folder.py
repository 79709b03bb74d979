"""Reads a growing folder: JSONL files that get longer, feeds that are replaced. Each item once, even after restarts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import orjson

from pefbench.apps.monitor import feeds, items
from pefbench.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LINES = (".jsonl", ".ndjson")
CHUNK = 2**18
"""Bytes that are read at a time. A line longer than this is not an item."""


@dataclass(frozen=True)
class Part:
    """Entries read from a file, and the position up to which it is then read."""

    entries: list[items.Item | items.Skipped]
    file: str
    version: str
    position: int


class Folder:
    """The folder at a path. Raises SourceError if it does not exist."""

    def __init__(self, path: Path, longest: int) -> None:
        if not path.is_dir():
            raise SourceError(f"{path}: is not a folder; create it, or name another: input.folder")
        self._path, self._longest = path, longest
        self._seen: dict[str, tuple[int, int]] = {}
        self._lines_before: dict[str, tuple[int, int]] = {}

    def news(self, progress: Mapping[str, tuple[str, int]]) -> Iterator[Part]:
        """What is new. progress: how far each file has been read, as its version and position."""
        for path in sorted(self._path.rglob("*")):
            reads = {**dict.fromkeys(LINES, self._lines), **dict.fromkeys(feeds.SUFFIXES, self._feed)}
            read = reads.get(path.suffix.lower())
            if read is None or path.name.startswith("."):
                continue
            name = str(path.relative_to(self._path))
            try:
                if not path.is_file():
                    continue
                found = path.stat()
                if self._seen.get(name) != (found.st_mtime_ns, found.st_size):
                    yield from read(path, name, *progress.get(name, ("", 0)))
                    self._seen[name] = (found.st_mtime_ns, found.st_size)
            except OSError as error:
                entry = items.Skipped(items.digest(os.fsencode(name)), f"file: {error.strerror}", name)
                yield Part([entry], name, *progress.get(name, ("", 0)))

    def _lines(self, path: Path, name: str, version: str, position: int) -> Iterator[Part]:
        """The lines after a position, or all lines if the file was replaced."""
        with path.open("rb") as file:
            begins = items.digest(file.readline(CHUNK))
            if begins != version or file.seek(0, os.SEEK_END) < position:
                position = 0
            before = self._counted(file, name, position)
            file.seek(position)
            while chunk := file.read(CHUNK):
                whole = _whole(chunk)
                if not whole:
                    return
                position += whole
                file.seek(position)
                lines = chunk[:whole].splitlines()
                now = datetime.now(UTC)
                entries = [
                    items.of_line(line, now, self._longest, f"{name}:{number}")
                    for number, line in enumerate(lines, before + 1)
                    if line.strip()
                ]
                before += chunk.count(b"\n", 0, whole)
                self._lines_before[name] = position, before
                yield Part(entries, name, begins, position)

    def _counted(self, file: BinaryIO, name: str, position: int) -> int:
        """The number of lines before a position: remembered from reading, or counted now after a restart."""
        known, lines = self._lines_before.get(name, (0, 0))
        if known == position:
            return lines
        file.seek(0)
        return sum(file.read(min(CHUNK, position - at)).count(b"\n") for at in range(0, position, CHUNK))

    def _feed(self, path: Path, name: str, version: str, _position: int) -> Iterator[Part]:
        """A feed's entries, if it has changed."""
        content = path.read_bytes()
        if (digest := items.digest(content)) != version:
            yield Part([*feeds.read(content, datetime.now(UTC), self._longest, name)], name, digest, len(content))


def _whole(chunk: bytes) -> int:
    """How many bytes of a chunk are complete lines. A last line without a line end counts if it is a whole object."""
    end = chunk.rfind(b"\n") + 1
    rest = chunk[end:]
    if len(chunk) == CHUNK:
        return end or len(chunk)
    try:
        orjson.loads(rest)
    except orjson.JSONDecodeError:
        return end
    return len(chunk)
