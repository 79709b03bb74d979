"""brat's folders, with hand-counted entities and relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Ada went to Oslo.\n\nBob\u00e9 met Ada Lovelace \U0001f600 in Rome.\n"
ANN = (
    "T1\tPerson 0 3\tAda\n"
    "T2\tCity 12 16\tOslo\n"
    "R1\tWentTo Arg1:T1 Arg2:T2\t\n"
    "E1\tMove:T1\n"
    "#1\tAnnotatorNotes T1\tsure\n"
    "T3\tPerson 19 23\tBob\u00e9\n"
    "T4\tPerson 28 40\tAda Lovelace\n"
    "A1\tNegated T3\n"
    "R2\tMet Arg1:T3 Arg2:T4\n"
    "T5\tCity 46 50\tRome\n"
)


def written(folder: Path, text: str = TEXT, ann: str | None = ANN) -> str:
    (folder / "a.txt").write_bytes(text.encode())
    (folder / "b.txt").write_text("nobody looked at this")
    if ann is not None:
        (folder / "a.ann").write_bytes(ann.encode())
    (folder / "annotation.conf").write_text("[entities]\nPerson\n")
    return f"file:{folder}"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_line_is_a_row_with_its_entities_and_relations(tmp_path: Path, end: str) -> None:
    ann = ANN if end == "\n" else shifted(ANN)
    found = read_rows(written(tmp_path, TEXT.replace("\n", end), ann), text_format="conll")
    assert found.columns == ("text", "entities", "relations")
    assert [(row.values["text"].strip(), row.where) for row in found.rows] == [
        ("Ada went to Oslo.", "a.txt:1"),
        ("Bob\u00e9 met Ada Lovelace \U0001f600 in Rome.", "a.txt:3"),
    ]
    assert [row.values["entities"] for row in found.rows] == [
        [[0, 3, "Person"], [12, 16, "City"]],
        [[0, 4, "Person"], [9, 21, "Person"], [27, 31, "City"]],
    ]
    assert [row.values["relations"] for row in found.rows] == [
        [{"label": "WentTo", "first": [0, 3], "second": [12, 16]}],
        [{"label": "Met", "first": [0, 4], "second": [9, 21]}],
    ]
    assert found.notes == (
        "brat's annotations; each line of a text is a row",
        "not read: brat's attributes, events, notes",
        "1 text without a file of annotations left out",
    )


def shifted(ann: str) -> str:
    """Annotations for a text with two more characters before its third line."""
    for old, new in (("19 23", "21 25"), ("28 40", "30 42"), ("46 50", "48 52")):
        ann = ann.replace(old, new)
    return ann


def test_without_relations_there_is_no_column_of_them(tmp_path: Path) -> None:
    found = read_rows(written(tmp_path, ann="T1\tPerson 0 3\tAda\n"))
    assert found.columns == ("text", "entities")
    assert [row.values for row in found.rows] == [
        {"text": "Ada went to Oslo.", "entities": [[0, 3, "Person"]]},
        {"text": TEXT.split("\n")[2], "entities": []},
    ]
    assert [row.values["entities"] for row in read_rows(written(tmp_path, ann="")).rows] == [[], []]


@pytest.mark.parametrize(
    ("line", "expected", "rows"),
    [
        ("T9\tCity 0 3;12 16\tAda Oslo", "a.ann:2: T9 has 2 parts; tags can only mark entities of one part", 1),
        ("T9\tCity 12 22\tOslo.  Bob", "a.ann:2: T9 continues over a line's end", 0),
        ("T9\tCity 1 3\tAda", "a.ann:2: T9 is 'Ada' here, and 'da' in the text at 1", 1),
        ("T9\tCity 50 99\tx", "a.ann:2: T9 is not in the text of 52 characters", 2),
        ("T9\tCity 3 3\t", "a.ann:2: T9 is not in the text of 52 characters", 2),
        ("R9\tMet Arg1:T1 Arg2:T8", "a.ann:2: T8 is not an entity that was read", 2),
        ("T9 City 0 3 Ada", "a.ann:2: should be an annotation of brat, such as 'T1<tab>Type 0 3<tab>text'; got", 2),
        ("T9\tCity x 3\tAda", "a.ann:2: should be an annotation of brat", 2),
    ],
)
def test_what_cannot_be_read_makes_its_line_a_bad_row(tmp_path: Path, line: str, expected: str, rows: int) -> None:
    source = written(tmp_path, ann=f"T1\tPerson 0 3\tAda\n{line}\n")
    with pytest.raises(DataError) as raised:
        read_rows(source)
    assert str(raised.value).startswith(expected)
    bad = BadRows(skip=True)
    if rows:
        assert len(read_rows(source, bad=bad).rows) == rows
    else:
        with pytest.raises(DataError, match="has no rows"):
            read_rows(source, bad=bad)
    assert len(bad.found) == 1


def test_a_relation_over_two_lines_is_a_bad_row(tmp_path: Path) -> None:
    ann = "T1\tPerson 0 3\tAda\nT5\tCity 46 50\tRome\nR1\tIn Arg1:T1 Arg2:T5\n"
    with pytest.raises(DataError, match=r"^a\.ann:3: T1 and T5 are in different lines$"):
        read_rows(written(tmp_path, ann=ann))


def test_annotations_without_a_text_and_folders_without_any(tmp_path: Path) -> None:
    source = written(tmp_path)
    (tmp_path / "c.ann").write_text("T1\tPerson 0 3\tAda\n")
    with pytest.raises(DataError, match=r"^c\.ann:1: no c\.txt beside it$"):
        read_rows(source)
    for file in tmp_path.glob("*.ann"):
        file.unlink()
    with pytest.raises(SourceError, match=r"should hold \*\.ann"):
        read_rows(source, format="brat")


def test_a_folder_of_folders_says_which_can_be_read(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        written(tmp_path / split)
    with pytest.raises(SourceError, match=r"test, train can be read as a whole, as in -o data\.train=train"):
        read_rows(f"file:{tmp_path}")
    assert len(read_rows(f"file:{tmp_path}", "train").rows) == 2
