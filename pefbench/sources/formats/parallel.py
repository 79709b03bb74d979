"""Parallel text: two files whose lines are each other's translations, named together as ``train.en+train.ro``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.reader import PairReader
from pefbench.sources.rows import Row, Rows
from pefbench.sources.texts import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("source", "target")


def is_pair(folder: Path, part: str) -> bool:
    """Whether a part names two files in the folder."""
    names = part.split("+")
    return len(names) == 2 and all(name and (folder / name).is_file() for name in names)


def read_parallel(folder: Path, part: str, bad: BadRows, encoding: str) -> Rows:
    """Read one row per line: source from the first file, target from the second.

    A line that is empty in one file is a bad row; one that is empty in both is skipped. Raises DataError if the files
    differ in their number of lines, because then no line can be trusted.
    """
    first, second = part.split("+")
    sources, targets = (_lines(read_text(folder / name, name, encoding)) for name in (first, second))
    if len(sources) != len(targets):
        raise DataError(
            f"{second}: {len(targets)} lines where {first} has {len(sources)}; they must translate each other"
        )
    rows = []
    for number, (source, target) in enumerate(zip(sources, targets, strict=True), start=1):
        if source and target:
            rows.append(Row({"source": source, "target": target}, first, number))
        elif source or target:
            bad(DataError(f"{second if source else first}:{number}: empty, where the other file has a text"))
    return Rows(COLUMNS, rows)


def _lines(text: str) -> list[str]:
    """The lines without surrounding white space. Only a line feed ends a line."""
    lines = [line.strip() for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


READER = PairReader(read_parallel)
