"""Comma-separated values with a header and quotes as in RFC 4180."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.sources.reader import TextReader
from pefbench.sources.tables import read_delimited

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Rows


def read_csv(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row a record; every value is a str."""
    return read_delimited(text, file, bad, delimiter=",", quoted=True)


READER = TextReader(read_csv, suffixes=(".csv",))
