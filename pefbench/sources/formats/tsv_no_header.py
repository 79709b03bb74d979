"""Tab-separated values without a header, such as GLUE's CoLA.

Columns are counted from 0, as in CoNLL files: ``data.columns: {text: 3, label: 1}`` reads CoLA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError, counted
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows


def read_tsv_no_header(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per line, with the columns "0", "1", ...; blank lines are skipped, a quote is a plain character.

    The first line determines the number of columns. Every value is a str.
    """
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.removesuffix("\r").split("\t")
        if fields == [""]:
            continue
        columns = columns or tuple(map(str, range(len(fields))))
        if len(fields) == len(columns):
            rows.append(Row(dict(zip(columns, fields, strict=True)), file, number))
        else:
            bad(DataError(f"{file}:{number}: {counted(len(fields), 'field')}, but the first line has {len(columns)}"))
    return Rows(columns, rows)


READER = TextReader(read_tsv_no_header)
