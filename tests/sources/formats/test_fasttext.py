"""fastText's lines, counted by hand; which files are read as fastText and which are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows, stream_rows

if TYPE_CHECKING:
    from pathlib import Path

LINES = (
    "__label__sauce __label__cheese How much does potato starch affect a cheese sauce recipe?\n"
    "__label__food-safety\tDangerous pathogens capable of growing in acidic environments\r\n"
    "\n"
    "How do I cover up the white spots? __label__cast-iron __label__stove\n"
)
EXPECTED = [
    {
        "text": "How much does potato starch affect a cheese sauce recipe?",
        "label": ["sauce", "cheese"],
    },
    {"text": "Dangerous pathogens capable of growing in acidic environments", "label": ["food-safety"]},
    {"text": "How do I cover up the white spots?", "label": ["cast-iron", "stove"]},
]


@pytest.mark.parametrize("name", ["cooking.train", "cooking.txt", "cooking.valid", "cooking"])
@pytest.mark.parametrize("text_format", ["jsonl", "trec", "tsv"])
def test_the_first_line_shows_the_layout(tmp_path: Path, name: str, text_format: str) -> None:
    (tmp_path / name).write_bytes(LINES.encode())
    found = read_rows(f"file:{tmp_path / name}", text_format=text_format)
    assert [row.values for row in found.rows] == EXPECTED
    assert [row.line for row in found.rows] == [1, 2, 4]
    assert found.notes == ("labels marked by __label__, as fastText has them",)
    assert stream_rows(tmp_path / name, format=None, text_format=text_format) is None, "it is read whole"


def test_a_text_that_speaks_of_labels_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text\tlabel\nsay __label__x\ta\nno\tb\n")
    assert read_rows(f"file:{tmp_path}/x.txt", text_format="tsv").columns == ("text", "label")


@pytest.mark.parametrize("line", ["no label at all", "__label__x", "__label__ a text", "a__label__x text"])
def test_a_line_that_is_not_whole_is_a_bad_row(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.txt").write_text(f"__label__a fine\n{line}\n")
    with pytest.raises(DataError, match=r"^x\.txt:2: should be __label__NAME and a text, got "):
        read_rows(f"file:{tmp_path}/x.txt")
    bad = BadRows(skip=True)
    assert len(read_rows(f"file:{tmp_path}/x.txt", bad=bad).rows) == len(bad.found) == 1


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("x.arff", r"^x\.arff: Weka's ARFF is not read; save it as CSV"),
        ("x.xls", r"^x\.xls: .*; save it as \.xlsx or as CSV \(UTF-8\)"),
        ("x.pkl", r"a pickle can run code when it is loaded"),
        ("x.zip", r"unpack it, and name the files in it"),
    ],
)
def test_what_is_not_read_says_what_to_do(tmp_path: Path, file: str, expected: str) -> None:
    (tmp_path / file).write_bytes(b"\0\1")
    for source, part in ((tmp_path, None), (tmp_path, file), (tmp_path / file, None)):
        with pytest.raises(SourceError, match=expected):
            read_rows(f"file:{source}", part)
    with pytest.raises(SourceError, match=expected):
        stream_rows(tmp_path / file, format=None, text_format="jsonl")
