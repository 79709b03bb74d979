"""Streams rows of formats whose text can be divided into blocks; each block is read like a separate file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.rows import BadRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pefbench.sources.reader import ReadText, StreamText
    from pefbench.sources.rows import Row

LINES = 1024
"""Lines in a block, or slightly more."""


def in_blocks(read: ReadText, *, ends: Callable[[str], bool]) -> StreamText:
    """Make a streaming reader that reads blocks. ends: whether a block may end after a line."""

    def stream(lines: Iterator[str], file: str, bad: BadRows) -> Iterator[Row]:
        columns: tuple[str, ...] = ()
        for before, text in _blocks(lines, ends):
            if not text.strip():
                continue
            try:
                found, shift = read(text, file, BadRows()), before
            except DataError:  # read again after blank lines, so that the message has the right line number
                found, shift = read("\n" * before + text, file, bad), 0
            columns = columns or found.columns
            if found.rows and found.columns != columns and columns[0].isdecimal():
                where = f"{file}:{found.rows[0].line + shift}"
                raise DataError(f"{where}: {len(found.columns)} columns, but the file has {len(columns)}")
            yield from (replace(row, line=row.line + shift) for row in found.rows)

    return stream


def _blocks(lines: Iterator[str], ends: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """Blocks: the number of lines before each, and its text."""
    before, block = 0, list[str]()
    for line in _ended(lines):
        block.append(line)
        if len(block) >= LINES and ends(line):
            yield before, "".join(block)
            before, block = before + len(block), []
    yield before, "".join(block)


def _ended(lines: Iterator[str]) -> Iterator[str]:
    """Lines that end only at a line feed, not at a carriage return."""
    parts: list[str] = []
    for part in lines:
        parts.append(part)
        if part.endswith("\n"):
            yield "".join(parts)
            parts = []
    if parts:
        yield "".join(parts)
