"""Streams the rows of a file, which may be larger than the memory."""

from __future__ import annotations

import gzip
import io
import itertools
import re
import zlib
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, SourceError
from pefbench.sources import annotated, byte_texts, readers, tables, unreadable
from pefbench.sources.documents import are_json_lines, may_be_json
from pefbench.sources.formats import conll
from pefbench.sources.limits import Unpacked
from pefbench.sources.reader import BytesReader, TextReader
from pefbench.sources.rows import BadRows, Rows
from pefbench.sources.texts import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.rows import Row

BEGINNING = 1 << 16
"""How many bytes are read to find a file's line ends."""
LOOKED_AT = 100
"""How many rows are read to recognise an annotation tool's table."""
LINE_END = re.compile(rb"\r\n|\r|\n")


def stream_rows(path: Path, *, format: str | None, text_format: str) -> Iterator[Row] | None:  # noqa: A002 - as read_rows
    """Yield the rows that `read_rows` returns for this file; None if its format must be read as a whole.

    format, text_format: as for `read_rows`. Raises DataError and SourceError while rows are read.
    """
    if format is None:
        unreadable.refuse(path.name)
    known = readers.by_suffix().get(readers.suffix_of(path.name))
    chosen = format or known or text_format
    reader, packed = readers.find(chosen), path.name.lower().endswith(".gz")
    if isinstance(reader, TextReader) and _is_unusual(path, packed=packed):
        return None
    if chosen == "tsv" and format is None and text_format == "conll":
        with _opened(path, packed=packed) as file:
            reader = conll.READER if conll.are_columns(_lines(file, path.name)) else reader
    if known is None and format is None and _is_of_a_layout(path, text_format, packed=packed):
        return None
    if isinstance(reader, BytesReader):
        return reader.stream(path, path.name, BadRows()) if reader.stream and not packed else None
    if not isinstance(reader, TextReader) or reader.stream is None:
        return None
    if reader.suffixes:
        with _opened(path, packed=packed) as file:
            first = list(
                itertools.islice(reader.stream(_lines(file, path.name), path.name, BadRows(skip=True)), LOOKED_AT)
            )
        table = Rows(tuple(dict.fromkeys(name for row in first for name in row.values)), first)
        skip = BadRows(skip=True)
        if byte_texts.decoded(annotated.unwrapped(table, skip), skip) is not table:
            return None
    return _streamed(reader, path, packed=packed)


def _streamed(reader: TextReader, path: Path, *, packed: bool) -> Iterator[Row]:
    if reader.stream is None:
        raise ValueError("the format must be read whole")
    with _opened(path, packed=packed) as file:
        yield from reader.stream(_lines(file, path.name), path.name, BadRows())


def _is_of_a_layout(path: Path, text_format: str, *, packed: bool) -> bool:
    """Whether a file's first lines show another format than the expected one."""
    with _opened(path, packed=packed) as file:
        head = "".join(itertools.islice(_lines(file, path.name), LOOKED_AT))
    is_usual = text_format == "jsonl" and are_json_lines(head)
    is_json = may_be_json(head) and not is_usual  # certain only once the whole file is read
    return is_json or readers.by_content(head) is not None or tables.is_table(head, text_format)


def _is_unusual(path: Path, *, packed: bool) -> bool:
    """Whether a file begins with the byte order mark of another encoding than UTF-8, or has old Mac line ends."""
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(BEGINNING)
    except (OSError, EOFError, zlib.error):
        return False  # the error is raised when it is read
    mark = next((found for mark, found in MARKS.items() if head.startswith(mark)), "utf-8")
    return mark != "utf-8" or (b"\r" in head and b"\n" not in head)


def _opened(path: Path, *, packed: bool) -> io.TextIOWrapper:
    """Open a text file, unpacking it if it is compressed. Raises SourceError."""
    try:
        raw: Any = _Unpacking(path) if packed else path.open("rb")
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read: {error.strerror}") from None
    return io.TextIOWrapper(io.BufferedReader(raw) if packed else raw, encoding="utf-8-sig", newline="")


class _Unpacking(io.RawIOBase):
    """The content of a gzip file; raises an error once it exceeds the limit."""

    def __init__(self, path: Path) -> None:
        self.file, self.limit = gzip.open(path), Unpacked(path.name, path.stat().st_size)  # noqa: SIM115 - see close

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpack into a buffer."""
        found = self.file.readinto(buffer)
        self.limit.add(found)
        return found

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()


def _lines(file: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines of a file with their line ends. Raises DataError, with the line, if it is not UTF-8."""
    number = 1
    try:
        for line in file:
            yield line
            number += 1
    except UnicodeDecodeError as error:
        number += len(LINE_END.findall(error.object[: error.start]))  # of the text read ahead
        raise DataError(f"{name}:{number}: not UTF-8 (byte 0x{error.object[error.start]:02x})") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name}: not gzip, or cut short: {error}") from None
