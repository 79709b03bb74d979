"""JSON lines: one object per line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.blocks import in_blocks
from pefbench.sources.documents import from_objects, parse
from pefbench.sources.reader import TextReader

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Rows


BEGINNINGS = ("{", "[")
"""Beginnings of lines in JSON that is written over several lines."""


def read_jsonl(text: str, file: str, bad: BadRows) -> Rows:
    """Read one object per line; blank lines are skipped, and a missing key is None."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append((number, parse(line, file, number)))
            except DataError as error:
                begins = line.strip() in BEGINNINGS
                bad(DataError(f"{error}; each line should be a whole object") if begins else error)
    return from_objects(records, file, bad)


READER = TextReader(read_jsonl, suffixes=(".jsonl", ".ndjson"), stream=in_blocks(read_jsonl, ends=lambda _: True))
