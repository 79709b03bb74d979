"""What a format is to the rest: what reads it, and how its files are known.

A module of `formats/` or `derived/` exports one of these as ``READER``; its file's name is the format's.
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
    """Reads a text file: its decoded text, its name in messages, what becomes of bad rows.

    suffixes: those of its files, with the dot. fits: tells a file of this layout by its text, where it is JSON or of no
    format's suffix. has_splits: the name ends in ``#`` and the splits to read, perhaps none. without_header: reads a
    table whose first line is a row.
    stream: reads the same rows one by one, from the file's lines with their ends; None: it must be read whole.
    """

    read: ReadText
    suffixes: tuple[str, ...] = ()
    fits: Callable[[str], bool] | None = None
    has_splits: bool = False
    without_header: ReadText | None = None
    stream: StreamText | None = None


@dataclass(frozen=True, slots=True)
class BytesReader:
    """Reads a binary file: its bytes, its name in messages, what becomes of bad rows.

    stream: reads the same rows one by one, from the file; None: it must be read whole. has_splits, without_header: as
    for a TextReader.
    """

    read: ReadBytes
    suffixes: tuple[str, ...] = ()
    has_splits: bool = False
    without_header: ReadBytes | None = None
    stream: StreamFile | None = None


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads a whole folder: its path, its name relative to the source, what becomes of bad rows."""

    read: ReadFolder


@dataclass(frozen=True, slots=True)
class PairReader:
    """Reads two files of a folder: its path, ``FILE+FILE``, what becomes of bad rows, the encoding."""

    read: ReadPair


@dataclass(frozen=True, slots=True)
class LayoutReader:
    """Reads a folder that is known by what lies in it: its path, its name relative to the source, bad rows, encoding.

    fits: whether a folder is laid out so.
    """

    read: ReadPair
    fits: Callable[[Path], bool]


Reader = TextReader | BytesReader | FolderReader | PairReader | LayoutReader
