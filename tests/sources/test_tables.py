"""Text tables: separators, headers, quotes; every row is read as it was written."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import read_rows, stream_rows
from pefbench.sources.formats.csv import READER, read_csv
from pefbench.sources.formats.tsv import read_tsv
from pefbench.sources.rows import BadRows
from tests.sources.amounts import files
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=",;|"), min_size=1, max_size=8)


@settings(max_examples=files(200))
@given(
    separator=st.sampled_from(",;\t|"),
    rows=st.lists(st.tuples(PLAIN, PLAIN, PLAIN), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    all_quoted=st.booleans(),
    mark=st.sampled_from(["", "\n\n"]),
)
def test_every_separator_gives_the_same_rows(
    separator: str, rows: list[tuple[str, str, str]], end: str, all_quoted: bool, mark: str
) -> None:
    buffer = io.StringIO(newline="")
    dialect = csv.unix_dialect if all_quoted else csv.excel  # the first one quotes all
    csv.writer(buffer, dialect, delimiter=separator, lineterminator=end).writerows(
        [("first", "second", "third"), *rows]
    )
    read = read_csv(mark + buffer.getvalue(), "x.csv", BadRows())
    assert read.columns == ("first", "second", "third")
    assert [tuple(row.values.values()) for row in read.rows] == rows
    assert [row.line for row in read.rows] == [len(mark) + 2 + at for at in range(len(rows))]
    assert bool(read.notes) is (separator != ",")


@settings(max_examples=files(200))
@given(
    rows=st.lists(st.lists(PLAIN, min_size=2, max_size=2), min_size=1, max_size=9),
    broken=st.sets(st.integers(0, 8), max_size=3),
)
def test_rows_of_another_width_are_left_out_and_the_others_right(rows: list[list[str]], broken: set[int]) -> None:
    written = [[*row, "more"] if at in broken else row for at, row in enumerate(rows)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([("a", "b"), *written])
    bad = BadRows(skip=True)
    read = read_csv(buffer.getvalue(), "x.csv", bad)
    assert [list(row.values.values()) for row in read.rows] == [row for row in written if len(row) == 2]
    assert bad.found == [f"x.csv:{at + 2}: 3 fields, but the header has 2" for at in sorted(broken) if at < len(rows)]


def test_commas_in_a_text_are_no_separators() -> None:
    text = "text;label\none, two, three;a\nfour;b\nfive, six;a\n"
    assert read_csv(text, "x.csv", BadRows()).rows[0].values == {
        "text": "one, two, three",
        "label": "a",
    }
    one_column = read_csv("text\nhello; world\nbye; you; all\n", "x.csv", BadRows())
    assert one_column.columns == ("text",)
    assert read_tsv("text,label\na,b\n", "x.tsv", BadRows()).columns == ("text", "label")
    assert read_tsv("text\tlabel\n1,2;3,4\tb\n", "x.tsv", BadRows()).columns == ("text", "label")


def test_the_first_line_that_only_excel_knows() -> None:
    read = read_csv("sep=;\ntext;label\na,b;c\n", "x.csv", BadRows())
    assert read.columns == ("text", "label")
    assert [(row.values["text"], row.line) for row in read.rows] == [("a,b", 3)]


def test_a_table_without_a_header() -> None:
    assert READER.without_header is not None
    read = READER.without_header('3,"Wall St.","Bears, claws"\n4,Tech,Chips\n', "x.csv", BadRows())
    assert read.columns == ("0", "1", "2")
    assert [row.values["2"] for row in read.rows] == ["Bears, claws", "Chips"]
    assert [row.line for row in read.rows] == [1, 2]
    message = refusal(DataError, READER.without_header, "a,b\nc\n", "x.csv", BadRows())
    assert message == "x.csv:2: 1 field, but the first line has 2"


def test_names_of_columns_are_cleaned() -> None:
    assert read_csv("\ufeff text ,label\u00a0\na,b\n", "x.csv", BadRows()).columns == ("text", "label")
    assert read_csv(",text,\n0,a,\n", "x.csv", BadRows()).columns == ("Unnamed: 0", "text", "Unnamed: 2"), (
        "as in pandas"
    )
    assert "names 'text' twice" in refusal(DataError, read_csv, "text, text\na,b\n", "x.csv", BadRows())


@pytest.mark.parametrize("length", [10, 3_000_000])
def test_a_line_of_megabytes(length: int) -> None:
    text = f"text;label\n{'x' * length};a\ny;b\n"
    assert [len(row.values["text"]) for row in read_csv(text, "x.csv", BadRows()).rows] == [length, 1]


@pytest.mark.parametrize("separator", ["\t", ","])
def test_a_table_in_a_text_file_is_read_where_json_lines_are_usual(tmp_path: Path, separator: str) -> None:
    """As MRPC's and SNLI's own files; what begins like JSON is JSON."""
    rows = [["Quality", "#1 String", "#2 String"], ["1", 'He said "no', "She did"], ["0", "a", "b"]]
    lines = [separator.join(cell.replace('"', "") if separator == "," else cell for cell in row) for row in rows]
    (tmp_path / "x.txt").write_text("\n".join(lines), encoding="utf-8-sig")
    found = read_rows(f"file:{tmp_path}/x.txt", text_format="jsonl")
    assert found.columns == tuple(rows[0])
    assert [row.values["#2 String"] for row in found.rows] == ["She did", "b"]
    assert stream_rows(tmp_path / "x.txt", format=None, text_format="jsonl") is None, "it is read whole"
    (tmp_path / "y.txt").write_text('{"text": "a", "label": 1}\n')
    assert read_rows(f"file:{tmp_path}/y.txt", text_format="jsonl").columns == ("text", "label")
    (tmp_path / "z.txt").write_text("neither\nof, both\n")
    with pytest.raises(DataError, match="not JSON"):
        read_rows(f"file:{tmp_path}/z.txt", text_format="jsonl")


QUOTED = [('He said "no".', "a"), ("Two\nlines, and a\ttab", "b"), ("plain", "c"), ('"Yes"', "d")]


def test_quotes_in_a_tsv_that_pandas_wrote_are_read_as_such(tmp_path: Path) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows([("text", "label"), *QUOTED])
    found = read_tsv(buffer.getvalue(), "x.tsv", BadRows())
    assert [tuple(row.values.values()) for row in found.rows] == QUOTED
    assert found.notes == ("cells in quotes, as CSV has them",)
    (tmp_path / "x.tsv").write_text(buffer.getvalue())
    streamed = stream_rows(tmp_path / "x.tsv", format=None, text_format="tsv")
    assert streamed is not None
    assert [*streamed] == found.rows


@pytest.mark.parametrize(
    "cells",
    [
        ['"quoted" and not', '"', 'the 5" disk', '"a'],
        ['"whole"', '"also whole"', "plain"],  # the quotes may be the text's own
        ['"he said ""no"""', '"stray', "plain"],
        ['""', '""""', '"a""b" c'],
        ['"', '"', '"', '"'],
    ],
)
def test_other_quotes_in_a_tsv_are_characters(cells: list[str]) -> None:
    text = "text\tlabel\n" + "".join(f"{cell}\tx\n" for cell in cells)
    found = read_tsv(text, "x.tsv", BadRows())
    assert [row.values["text"] for row in found.rows] == cells
    assert found.notes == ()


def test_tabs_in_every_line_divide_fields_also_of_uneven_rows() -> None:
    """As in STS Benchmark's own files, called .csv; a row with sources behind it is a bad row, said as such."""
    text = "".join(
        f"news\t2012\t{at}\t4.5\tone{at * ','} two\tthree{at % 2 * chr(9)}{at % 2 * 'http'}\n" for at in range(6)
    )
    with pytest.raises(DataError, match=r"^x\.csv:2: 7 fields, but the first line has 6$"):
        read_csv(text, "x.csv", BadRows(), header=False)
    bad = BadRows(skip=True)
    found = read_csv(text, "x.csv", bad, header=False)
    assert [row.values["4"] for row in found.rows] == [f"one{at * ','} two" for at in (0, 2, 4)]
    assert found.notes == ("columns separated by tabs",)


def test_fields_behind_those_of_the_others_are_columns_of_their_own() -> None:
    """As STS Benchmark's sources; a text with tabs shifts the score, or has one field more, and is a bad row."""
    lines = [f"news\t{at}\t4.5\tone, {at}\ttwo {at}" for at in range(6)]
    lines[1] += "\thttp://a\thttp://b"
    lines[4] += "\thttp://c\thttp://d"
    found = read_csv("\n".join(lines), "x.csv", BadRows(), header=False)
    assert [row.values["3"] for row in found.rows] == [f"one, {at}" for at in range(6)]
    assert [row.values["5"] for row in found.rows] == ["", "http://a", "", "", "http://c", ""]
    assert found.notes == ("columns separated by tabs", "2 of 6 rows have extra fields at the end, columns 5 to 6")
    lines[4] = "news\tlocal\ttoday\t4\t4.5\tone, 4\ttwo 4"
    with pytest.raises(DataError, match=r"^x\.csv:2: 7 fields, but the first line has 5$"):
        read_csv("\n".join(lines), "x.csv", BadRows(), header=False)


@pytest.mark.parametrize("name", ["text, all of it", "text"])
@pytest.mark.parametrize("cells", [["a, b", "c, d"], ["a", "b, c"], ["a, b, c", "d"]])
def test_tabs_divide_a_csv_file_whose_texts_have_commas(name: str, cells: list[str]) -> None:
    found = read_csv(f"{name}\tlabel\n" + "".join(f"{cell}\tx\n" for cell in cells), "x.csv", BadRows())
    assert [tuple(row.values.items()) for row in found.rows] == [((name, cell), ("label", "x")) for cell in cells]
    assert found.notes == ("columns separated by tabs",)


def test_tabs_in_the_texts_of_a_csv_file_divide_nothing() -> None:
    text = "text,label\n" + "".join(f"a\tb {at},x\n" for at in range(3))
    found = read_csv(text, "x.csv", BadRows())
    assert [row.values["text"] for row in found.rows] == ["a\tb 0", "a\tb 1", "a\tb 2"]
    assert found.notes == ()
    assert read_csv("text,label\t\na,x\t\n", "x.csv", BadRows()).columns == ("text", "label")


BROKEN = [("one\ntwo", "a"), ("plain", "b"), ("three\r\n\nfour, five", "c")]


def test_quotes_around_line_ends_alone_are_those_of_csv(tmp_path: Path) -> None:
    text = "text\tlabel\n" + "".join(
        f'"{cell}"\t{label}\n' if "\n" in cell else f"{cell}\t{label}\n" for cell, label in BROKEN
    )
    found = read_tsv(text, "x.tsv", BadRows())
    assert [tuple(row.values.values()) for row in found.rows] == BROKEN
    assert [row.line for row in found.rows] == [2, 4, 5]
    assert found.notes == ("cells in quotes, as CSV has them",)
    long = text + "".join(f'"{"x" * 60}\n{at}"\ta\n' for at in range(5000))  # the sample ends inside a cell
    assert len(read_tsv(long, "x.tsv", BadRows()).rows) == 5003
    (tmp_path / "x.tsv").write_bytes(text.encode())
    streamed = stream_rows(tmp_path / "x.tsv", format=None, text_format="tsv")
    assert streamed is not None
    assert [*streamed] == found.rows


def test_quotes_that_would_swallow_rows_are_characters() -> None:
    text = 'text\tlabel\n"a\tx\nshort\nb"\ty\nc\tz\n'
    bad = BadRows(skip=True)
    found = read_tsv(text, "x.tsv", bad)
    assert [row.values["text"] for row in found.rows] == ['"a', 'b"', "c"]
    assert bad.found == ["x.tsv:3: 1 field, but the header has 2"]


def test_the_unicode_text_of_excel_is_read_where_trec_is_usual(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text\tlabel\r\nGrand, caf\u00e9\tgood\r\nPoor: no\tbad\r\n", encoding="utf-16")
    found = read_rows(f"file:{tmp_path}/x.txt", text_format="trec")
    assert [tuple(row.values.values()) for row in found.rows] == [("Grand, caf\u00e9", "good"), ("Poor: no", "bad")]
    (tmp_path / "y.txt").write_text("NUM:date When, where ?\nDESC:def What, who ?\n")
    assert "fine_label" in read_rows(f"file:{tmp_path}/y.txt", text_format="trec").columns


def test_a_quote_without_an_end_is_said_to_be_one() -> None:
    message = refusal(DataError, read_csv, 'text,label\na,x\n"b,y\nc,x\n', "x.csv", BadRows())
    assert message.startswith("x.csv:3: not CSV: the quote that begins a cell of this row is never closed")
