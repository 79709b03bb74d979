"""Functions that the readers of tables share: records with a one-character separator, mostly with a header."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING

from pefbench.errors import DataError, counted
from pefbench.sources.cells import clean_name
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.sources.rows import BadRows

LONGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit of 131,072 is short for articles
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
OTHERS = ("jsonl", "trec")
"""Text formats of tasks whose files are not tables."""
SHOWN = 40
"""How many characters of a column's name a message shows."""
SAMPLE_RECORDS, SAMPLE_CHARACTERS = 20, 1 << 18
STARTS = re.compile(r'(?:^|(?<=\t))(?=")', re.MULTILINE)
WHOLE = re.compile(r'"(?P<inside>(?:[^"\t\r\n]|"")+)"(?=[\t\r\n]|\Z)')
FEWEST = 2
"""How many fields with doubled quotes show that a file uses quotes as in CSV."""
CUT = "unexpected end of data"
"""The csv module's message for a quoted field without an end."""
UNCLOSED = "the quote that begins a cell of this row is never closed"
DOUBLED = 'quotes inside a cell are doubled, as in "a ""b"""'
NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
QUOTED_NOTE = "cells in quotes, as CSV has them"
EXCEL = re.compile(r"sep=(?P<separator>[,;\t|])\r?(?=\n)")  # a first line that only Excel writes and reads


def read_table(text: str, file: str, bad: BadRows, *, usual: str, header: bool = True) -> Rows:
    """Read one row per record; every value is a str.

    usual: the suffix's separator. Another one is used if only it divides the first records evenly; tabs are used even
    if commas do, too. Fields may be quoted as in RFC 4180. In a file that is expected to have tabs, quotes are plain
    characters unless the file shows otherwise: see `_are_quoted`. header: the first record names the columns; otherwise
    they are "0", "1", ...
    """
    separator, cut = _separator(text, usual)
    quoted = _are_quoted(text, separator, usual)
    limit = csv.field_size_limit(LONGEST_FIELD)
    longer: list[str] = []
    try:
        records = _records(_lines(text[cut:]), file, separator, quoted=quoted)
        if not header and separator == "\t":
            records, longer = _filled(list(records))
        names, records = _header(records, file) if header else _numbered(records)
        rows = [row for line, values in records if (row := _row(names, values, file, line, bad, header=header))]
    finally:
        csv.field_size_limit(limit)
    notes = [f"columns separated by {SEPARATORS[separator]}"] if separator != usual else []
    notes += [QUOTED_NOTE] if quoted and separator == usual == "\t" else []
    return Rows(names, rows, notes=(*notes, *longer))


def records_as_rows(records: Iterator[tuple[int, list[str]]], file: str, bad: BadRows, *, header: bool) -> Rows:
    """Turn records (line, fields) into rows; the first is the header. Empty fields at the end may be missing."""
    names, rest = _header(records, file) if header else _numbered(records)
    filled = ((line, values + [""] * (len(names) - len(values))) for line, values in rest)
    return Rows(names, [row for line, values in filled if (row := _row(names, values, file, line, bad, header=header))])


def stream_table(lines: Iterator[str], file: str, bad: BadRows, *, usual: str) -> Iterator[Row]:
    """Yield the rows of `read_table` from a table's lines."""
    head: list[str] = []
    while sum(map(len, head)) <= SAMPLE_CHARACTERS and (line := next(lines, None)) is not None:
        head.append(line)
    separator, cut = _separator("".join(head), usual)
    quoted = _are_quoted("".join(head), separator, usual)
    first = [head[0][cut:], *head[1:]] if head else []
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        names, records = _header(_records(itertools.chain(first, lines), file, separator, quoted=quoted), file)
        for line_number, values in records:
            if row := _row(names, values, file, line_number, bad, header=True):
                yield row
    finally:
        csv.field_size_limit(limit)


def is_table(text: str, text_format: str) -> bool:
    """Whether a file without a known suffix is a table with a header although the task expects another format.

    Examples are the files of MRPC and SNLI, and Excel's Unicode text. JSON Lines and TREC's lines have no such tabs.
    """
    if text_format not in OTHERS or text.lstrip().startswith(("{", "[")):
        return False
    return _divides(text, "\t", quoted=False) or (text_format == "jsonl" and _divides(text, ",", quoted=True))


def _read_in_text(text: str, file: str, bad: BadRows) -> Rows:
    """Read such a table; its fields are quoted only if tabs do not divide them."""
    return read_table(text, file, bad, usual="\t")


def _separator(text: str, usual: str) -> tuple[str, int]:
    """The separator of a table's fields, and the length of the line that declares it, if there is one."""
    if told := EXCEL.match(text):
        return told["separator"], told.end()  # the line feed stays: lines keep their numbers
    if usual != "\t" and (_has_tabs(text) or _tabs_name_columns(text)):
        return "\t", 0
    if _divides(text, usual, quoted=usual != "\t"):
        return usual, 0
    return next((other for other in SEPARATORS if _divides(text, other, quoted=True)), usual), 0


def _has_tabs(text: str) -> bool:
    """Whether each of the first lines has at least two tabs; some of STS Benchmark's lines have extra fields."""
    lines = [line for line in itertools.islice(_lines(_sample(text)), SAMPLE_RECORDS) if line.strip()]
    return bool(lines) and all(line.count("\t") > 1 for line in lines)


def _tabs_name_columns(text: str) -> bool:
    """Whether tabs divide all records evenly and no field of the first is empty: texts have commas, names no tabs."""
    first = text.partition("\n")[0].split("\t")
    return all(name.strip() for name in first) and any(
        _divides(text, "\t", quoted=quoted, most=None) for quoted in (True, False)
    )


def _are_quoted(text: str, separator: str, usual: str) -> bool:
    """Whether quotes around a field delimit it rather than belong to its text.

    Between tabs, quotes usually belong to the text, for example in GLUE's files. But pandas and spreadsheets quote
    fields that contain a quote, a tab or a line end, and double the quotes inside. Quotes are taken as delimiters if

    - some fields have doubled quotes inside, all records have equal width when quotes delimit, and either they do not
      otherwise, or every field that begins with a quote is complete; or
    - records have equal width only when quotes delimit, and quoted fields contain line ends but no tabs.
    """
    if separator != "\t":
        return True
    sample = _sample(text)
    evenly = [_divides(text, "\t", quoted=quoted, most=None) for quoted in (True, False)]
    if usual != "\t" and any(evenly):
        return evenly[0]
    if evenly == [True, False] and _only_line_ends(text):
        return True
    wholes = [WHOLE.match(sample, match.end()) for match in STARTS.finditer(sample)]
    if sum(whole is not None and '""' in whole["inside"] for whole in wholes) < FEWEST:
        return False
    return evenly[0] and (all(wholes) or not evenly[1])


def _only_line_ends(text: str) -> bool:
    """Whether some quoted fields contain line ends, and none of these a tab, which would be in a swallowed record."""
    fields = [field for record in _first_records(text, "\t", quoted=True, most=None) for field in record]
    broken = [field for field in fields if "\n" in field or "\r" in field]
    return bool(broken) and not any("\t" in field for field in broken)


def _sample(text: str) -> str:
    """The first lines of a text."""
    sample = text[:SAMPLE_CHARACTERS]
    return sample if len(sample) == len(text) else sample[: sample.rfind("\n") + 1]


def _lines(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))


def _divides(text: str, separator: str, *, quoted: bool, most: int | None = SAMPLE_RECORDS) -> bool:
    """Whether a separator divides each of the first records into the same number of fields, at least two.

    most: how many records are checked; None: all in the sample.
    """
    widths = {len(fields) for fields in _first_records(text, separator, quoted=quoted, most=most)}
    return len(widths) == 1 and widths.pop() > 1


def _first_records(text: str, separator: str, *, quoted: bool, most: int | None) -> list[list[str]]:
    """The fields of the first records; empty if they cannot be read. A record that the sample cuts is left out."""
    sample = _sample(text)
    found: list[list[str]] = []
    try:
        for _, fields in itertools.islice(_records(_lines(sample), "", separator, quoted=quoted), most):
            found.append(fields)
    except DataError as error:
        return found if len(sample) < len(text) and UNCLOSED in str(error) else []
    return found


def _filled(records: list[tuple[int, list[str]]]) -> tuple[Iterator[tuple[int, list[str]]], list[str]]:
    """Pad records to equal width, with a note, if a minority of them has extra fields at the end.

    For example, in STS Benchmark two optional fields name the sources. Records stay unchanged if there is only one
    extra field, or if a wider record has no number in a column of numbers: both suggest a tab inside a text.
    """
    counts = Counter(len(fields) for _, fields in records)
    if len(counts) != 2 or min(counts.values()) < FEWEST:
        return iter(records), []
    fewer, more = sorted(counts)
    if more - fewer < FEWEST or counts[fewer] < counts[more]:
        return iter(records), []
    numbers = [_numbers(each[:fewer]) for _, each in records]
    of_most = set.intersection(
        *(found for found, (_, each) in zip(numbers, records, strict=True) if len(each) == fewer)
    )
    if not of_most or not all(of_most <= found for found in numbers):
        return iter(records), []
    some = f"{counts[more]:,} of {counted(len(records), 'row')}"
    filled = [(line, each + [""] * (more - len(each))) for line, each in records]
    return iter(filled), [f"{some} have extra fields at the end, columns {fewer} to {more - 1}"]


def _numbers(fields: list[str]) -> set[int]:
    """The indices of fields that are numbers."""
    return {at for at, field in enumerate(fields) if NUMBER.fullmatch(field)}


def _header(
    records: Iterator[tuple[int, list[str]]], file: str
) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    """The names of the columns; unnamed ones get pandas's names. Raises DataError if two names are equal."""
    line, fields = next(records, (1, []))
    names = tuple(clean_name(name) or f"Unnamed: {at}" for at, name in enumerate(fields))
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{file}:{line}: the header names {duplicates[0][:SHOWN]!r} twice; if it is a row, data.header=false "
            "numbers the columns from 0"
        )
    return names, records


def _numbered(records: Iterator[tuple[int, list[str]]]) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    first = next(records, None)
    if first is None:
        return (), records
    return tuple(map(str, range(len(first[1])))), itertools.chain([first], records)


def _records(lines: Iterator[str], file: str, separator: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The first line number and the fields of each record; blank lines are skipped."""
    if quoted:
        reader = csv.reader(lines, delimiter=separator, strict=True)
    else:
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{file}:{line}: not {'TSV' if separator == chr(9) else 'CSV'}: {_why(error)}") from None
        if fields:
            yield line, fields


def _why(error: csv.Error) -> str:
    """What is wrong with the quotes, in a user's terms."""
    text = str(error)
    if text == CUT:
        return f"{UNCLOSED}; {DOUBLED}"
    return f"{text}; {DOUBLED}" if "expected after" in text else text


def _row(names: tuple[str, ...], values: list[str], file: str, line: int, bad: BadRows, *, header: bool) -> Row | None:
    if len(values) != len(names):
        first = "the header" if header else "the first line"
        bad(DataError(f"{file}:{line}: {counted(len(values), 'field')}, but {first} has {len(names)}"))
        return None
    return Row(dict(zip(names, values, strict=True)), file, line)


IN_TEXT = TextReader(_read_in_text)
"""Reads a table in a file without a table's suffix: see `is_table`."""
