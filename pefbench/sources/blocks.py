"""Rows one by one, from a format whose text can be read in blocks: each is read as a file of its own."""

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
"""Lines of a block, or a few more."""


def in_blocks(read: ReadText, *, ends: Callable[[str], bool]) -> StreamText:
    """Read in blocks. ends: whether a block may end after this line."""

    def stream(lines: Iterator[str], file: str, bad: BadRows) -> Iterator[Row]:
        columns: tuple[str, ...] = ()
        for before, text in _blocks(lines, ends):
            if not text.strip():
                continue
            try:
                found, shift = read(text, file, BadRows()), before
            except DataError:  # blank lines before it keep its lines' numbers right in the message
                found, shift = read("\n" * before + text, file, bad), 0
            columns = columns or found.columns
            if found.rows and found.columns != columns and columns[0].isdecimal():
                where = f"{file}:{found.rows[0].line + shift}"
                raise DataError(f"{where}: {len(found.columns)} columns where the file has {len(columns)}")
            yield from (replace(row, line=row.line + shift) for row in found.rows)

    return stream


def _blocks(lines: Iterator[str], ends: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """The lines before a block, and its text."""
    before, block = 0, list[str]()
    for line in _ended(lines):
        block.append(line)
        if len(block) >= LINES and ends(line):
            yield before, "".join(block)
            before, block = before + len(block), []
    yield before, "".join(block)


def _ended(lines: Iterator[str]) -> Iterator[str]:
    """Lines that end in a line feed alone: a carriage return within one ends none."""
    parts: list[str] = []
    for part in lines:
        parts.append(part)
        if part.endswith("\n"):
            yield "".join(parts)
            parts = []
    if parts:
        yield "".join(parts)
