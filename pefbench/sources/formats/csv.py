"""Comma-separated values with a header and quotes as in RFC 4180; other separators are detected."""

from __future__ import annotations

from functools import partial

from pefbench.sources.reader import TextReader
from pefbench.sources.tables import read_table, stream_table

read_csv = partial(read_table, usual=",")

READER = TextReader(
    read_csv,
    suffixes=(".csv",),
    without_header=partial(read_csv, header=False),
    stream=partial(stream_table, usual=","),
)
