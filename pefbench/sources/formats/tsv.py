"""Tab-separated values with a header; a quote is a character like any other."""

from __future__ import annotations

from functools import partial

from pefbench.sources.reader import TextReader
from pefbench.sources.tables import read_table, stream_table

read_tsv = partial(read_table, usual="\t")

READER = TextReader(
    read_tsv,
    suffixes=(".tsv",),
    without_header=partial(read_tsv, header=False),
    stream=partial(stream_table, usual="\t"),
)
