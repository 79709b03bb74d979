"""The interfaces of formats: how a format is read and how its files are recognised.

A module of `formats/` or `derived/` exports one of these as ``READER``; the file's name is the format's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pefbench.sources.rows import BadRows, Row, Rows

    ReadText = Callable[[str, str, BadRows], Rows]
    ReadBytes = Callable[[bytes, str, BadRows], Rows]
    ReadFolder = Callable[[Path, str, BadRows], Rows]
    StreamText = Callable[[Iterator[str], str, BadRows], Iterator[Row]]
    StreamFile = Callable[[Path, str, BadRows], Iterator[Row]]
    ReadPair = Callable[[Path, str, BadRows, str], Rows]


@dataclass(frozen=True, slots=True)
class TextReader:
    """Reads a text file: takes its decoded text, its name for messages, and a handler of bad rows.

    suffixes: of its files, with the dot. fits: recognises this layout by its text, in a JSON file or one without a
    known suffix. has_splits: the name ends in ``#`` and the splits to read, possibly none. without_header: reads a
    table whose first line is a row. stream: yields the same rows one by one, from the file's lines with their line
    ends; None: the file must be read as a whole.
    """

    read: ReadText
    suffixes: tuple[str, ...] = ()
    fits: Callable[[str], bool] | None = None
    has_splits: bool = False
    without_header: ReadText | None = None
    stream: StreamText | None = None


@dataclass(frozen=True, slots=True)
class BytesReader:
    """Reads a binary file: takes its bytes, its name for messages, and a handler of bad rows.

    stream: yields the same rows one by one, from the file; None: the file must be read as a whole. has_splits,
    without_header: as for a TextReader.
    """

    read: ReadBytes
    suffixes: tuple[str, ...] = ()
    has_splits: bool = False
    without_header: ReadBytes | None = None
    stream: StreamFile | None = None


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads a whole folder: takes its path, its name relative to the source, and a handler of bad rows."""

    read: ReadFolder


@dataclass(frozen=True, slots=True)
class PairReader:
    """Reads two files of a folder: takes its path, ``FILE+FILE``, a handler of bad rows, and the encoding."""

    read: ReadPair


@dataclass(frozen=True, slots=True)
class LayoutReader:
    """Reads a folder recognised by its files: takes its path, its name relative to the source, bad rows, encoding.

    fits: whether a folder has this layout.
    """

    read: ReadPair
    fits: Callable[[Path], bool]


Reader = TextReader | BytesReader | FolderReader | PairReader | LayoutReader
