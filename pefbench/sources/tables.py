"""What the readers of tables share: records, separated by commas or tabs, under a header."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.sources.rows import BadRows

LONGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit of 131,072 is short for articles


def read_delimited(text: str, file: str, bad: BadRows, *, delimiter: str, quoted: bool) -> Rows:
    """Read one row a record, with the first one as the header. quoted: fields may stand in quotes, as in RFC 4180."""
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        records = _delimited_records(text, file, delimiter, quoted=quoted)
        header = next(records, (0, []))[1]
        if duplicates := sorted({name for name in header if header.count(name) > 1}):
            raise DataError(f"{file}:1: the header names {duplicates[0]!r} twice")
        rows = [row for line, values in records if (row := _record(header, values, file, line, bad))]
    finally:
        csv.field_size_limit(limit)
    return Rows(tuple(header), rows)


def _delimited_records(text: str, file: str, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the fields of each record; blank lines are skipped."""
    lines = io.StringIO(text, newline="")
    if quoted:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{file}:{line}: not {'CSV' if delimiter == ',' else 'TSV'}: {error}") from None
        if fields:
            yield line, fields


def _record(header: list[str], values: list[str], file: str, line: int, bad: BadRows) -> Row | None:
    if len(values) != len(header):
        bad(DataError(f"{file}:{line}: {len(values)} fields where the header has {len(header)}"))
        return None
    return Row(dict(zip(header, values, strict=True)), file, line)
