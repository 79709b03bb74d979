"""Cells that spell Python bytes are decoded if the whole column does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.stream import stream_rows

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [("b'plain'", "plain"), (r"b'caf\xc3\xa9'", "café"), ('b"it\'s"', "it's"), (r"b'a\\b\ttab'", "a\\b\ttab")]


def write(folder: Path, *cells: str) -> str:
    (folder / "x.tsv").write_text("text\tlabel\n" + "".join(f"{cell}\t0\n" for cell in cells), encoding="utf-8")
    return f"file:{folder}/x.tsv"


def test_all_cells_are_bytes(tmp_path: Path) -> None:
    found = read_rows(write(tmp_path, *(cell for cell, _ in CELLS)))
    assert [row.values["text"] for row in found.rows] == [text for _, text in CELLS]
    assert found.notes == ("4 cells written as Python's bytes, b'...', are read as UTF-8: text",)
    assert stream_rows(tmp_path / "x.tsv", format=None, text_format="tsv") is None, "it is read whole"


@pytest.mark.parametrize("other", ["plain", "b'", "b'a' and b'b'", "'a'", "b'a' "])
def test_one_that_is_none_leaves_the_column_as_it_is(tmp_path: Path, other: str) -> None:
    found = read_rows(write(tmp_path, "b'a'", other))
    assert [row.values["text"] for row in found.rows] == ["b'a'", other]
    assert found.notes == ()


@pytest.mark.parametrize("cell", [r"b'\xe9'", r"b'\x'", "b'é'"])
def test_bytes_that_are_no_text_are_a_bad_row(tmp_path: Path, cell: str) -> None:
    source = write(tmp_path, "b'a'", cell)
    with pytest.raises(DataError, match=r"^x\.tsv:3: text is written as Python's bytes, but not UTF-8"):
        read_rows(source)
    bad = BadRows(skip=True)
    assert [row.values["text"] for row in read_rows(source, bad=bad).rows] == ["a"]
    assert len(bad.found) == 1
