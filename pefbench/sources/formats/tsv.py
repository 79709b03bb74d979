"""Tab-separated values with a header; a quote is a character like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.sources.reader import TextReader
from pefbench.sources.tables import read_delimited

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Rows


def read_tsv(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row a record; every value is a str."""
    return read_delimited(text, file, bad, delimiter="\t", quoted=False)


READER = TextReader(read_tsv, suffixes=(".tsv",))
