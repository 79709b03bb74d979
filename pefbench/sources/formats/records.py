"""JSON lines, JSON, CSV and TSV. Each reader takes the text, the file's name and what becomes of bad rows."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.documents import parse
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pefbench.sources.rows import BadRows

LONGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit of 131,072 is short for articles


def read_jsonl(text: str, file: str, bad: BadRows) -> Rows:
    """Read one object a line; blank lines are skipped, and a key that a line lacks is None."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append((number, parse(line, file, number)))
            except DataError as error:
                bad(error)
    return _from_objects(records, file, bad)


def read_json(text: str, file: str, bad: BadRows) -> Rows:
    """Read a list of objects, or the list under ``data`` of an object; lines are the numbers of the items."""
    document = parse(text, file)
    if isinstance(document, dict):
        document = document.get("data", document)
    if not isinstance(document, list):
        raise DataError(f"{file}: holds neither a list of objects nor {{'data': [...]}}")
    return _from_objects(enumerate(document, start=1), file, bad)


def read_csv(text: str, file: str, bad: BadRows) -> Rows:
    """Read comma-separated values with a header and quotes as in RFC 4180; every value is a str."""
    return _read_delimited(text, file, bad, delimiter=",", quoted=True)


def read_tsv(text: str, file: str, bad: BadRows) -> Rows:
    """Read tab-separated values with a header; a quote is a character like any other, every value is a str."""
    return _read_delimited(text, file, bad, delimiter="\t", quoted=False)


def _from_objects(records: Iterable[tuple[int, Any]], file: str, bad: BadRows) -> Rows:
    columns: dict[str, None] = {}  # an ordered set
    objects: list[tuple[int, dict[str, Any]]] = []
    for number, record in records:
        if not isinstance(record, dict):
            bad(DataError(f"{file}:{number}: a row must be an object with column names, this is {str(record)[:40]!r}"))
            continue
        columns |= dict.fromkeys(record)
        objects.append((number, record))
    rows = [Row({name: record.get(name) for name in columns}, file, number) for number, record in objects]
    return Rows(tuple(columns), rows)


def _read_delimited(text: str, file: str, bad: BadRows, *, delimiter: str, quoted: bool) -> Rows:
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
