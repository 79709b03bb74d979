"""Parallel text: two files, one row per line."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.formats.parallel import _lines
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")).map(str.strip)


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8", newline="")
    return f"file:{folder}"


def test_a_line_of_one_file_is_the_translation_of_the_same_line_of_the_other(tmp_path: Path) -> None:
    source = write(tmp_path, train_en="One\r\nA\u2028B\n\nTwo \n", train_ro="Unu\nC\n\nDoi")
    rows = read_rows(source, "train.en+train.ro")
    assert rows.columns == ("source", "target")
    assert [(row.where, *row.values.values()) for row in rows.rows] == [
        ("train.en:1", "One", "Unu"),
        ("train.en:2", "A\u2028B", "C"),
        ("train.en:4", "Two", "Doi"),
    ]


def test_files_may_be_compressed_in_folders_and_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.en.gz").write_bytes(gzip.compress(b"summer\n"))
    (tmp_path / "x.fr").write_bytes("été\n".encode("latin-1"))
    [row] = read_rows(f"file:{tmp_path}", "a/x.en.gz+x.fr", encoding="latin-1").rows
    assert row.values == {"source": "summer", "target": "été"}


def test_an_empty_line_is_named_or_left_out(tmp_path: Path) -> None:
    source = write(tmp_path, x_en="a\n \nc\n", x_ro="a\nb\n\n")
    message = refusal(DataError, read_rows, source, "x.en+x.ro")
    assert message == "x.en:2: empty, where the other file has a text"
    bad = BadRows(skip=True)
    assert [row.line for row in read_rows(source, "x.en+x.ro", bad=bad).rows] == [1]
    assert bad.found == [message, "x.ro:3: empty, where the other file has a text"]


def test_files_of_unequal_length_are_refused_even_where_bad_rows_are_skipped(tmp_path: Path) -> None:
    source = write(tmp_path, x_en="a\nb\n", x_ro="a\n")
    message = refusal(DataError, read_rows, source, "x.en+x.ro", bad=BadRows(skip=True))
    assert message == "x.ro: 1 lines where x.en has 2; they must translate each other"


@pytest.mark.parametrize("part", ["x.en+x.de", "x.en+", "x.en+x.ro+x.ro", "../x.en+x.ro"])
def test_a_part_that_is_no_pair_is_refused(tmp_path: Path, part: str) -> None:
    source = write(tmp_path, x_en="a\n", x_ro="a\n")
    assert part in refusal(SourceError, read_rows, source, part)


def test_another_format_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, x_en="a\n", x_ro="a\n")
    message = refusal(SourceError, read_rows, source, "x.en+x.ro", format="csv")
    assert message == "x.en+x.ro: two files joined by + are parallel text, not csv"


@given(st.lists(LINE))
def test_only_line_feeds_end_a_line(lines: list[str]) -> None:
    assert _lines("".join(f"{line}\n" for line in lines)) == lines
