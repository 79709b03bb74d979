"""Excel workbooks read like the CSV that Excel would save; bombs, damage and other files are refused in one line."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.recipe import resolve
from pefbench.sources import BadRows, limits, read_rows
from pefbench.sources.formats import excel
from pefbench.trial import corpus

if TYPE_CHECKING:
    from pathlib import Path

openpyxl = pytest.importorskip("openpyxl")


def written(file: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


def changed(file: Path, member: str, old: str, new: str) -> Path:
    """The workbook with another text in one of its files."""
    with zipfile.ZipFile(file) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in inside[member]
    inside[member] = inside[member].replace(old.encode(), new.encode())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in inside.items():
            archive.writestr(name, content)
    return file


def test_cells_are_what_their_csv_would_be(tmp_path: Path) -> None:
    day = dt.datetime(2026, 11, 29, tzinfo=None)  # noqa: DTZ001 - Excel knows no time zones
    rows: list[list[Any]] = [
        [" text ", "label", "score", "seen"],
        ["Grand, \u00fcber\nalles", 1, 2.5, day],
        [],
        [12, True, 1e300, day.replace(hour=7)],
        ["no label", None, -0.0, dt.time(7, 30)],
    ]
    found = read_rows(f"file:{written(tmp_path / 'x.xlsx', Data=rows)}")
    assert found.columns == ("text", "label", "score", "seen")
    assert [(row.line, *row.values.values()) for row in found.rows] == [
        (2, "Grand, \u00fcber\nalles", "1", "2.5", "2026-11-29"),
        (4, "12", "TRUE", "1e+300", "2026-11-29T07:00:00"),
        (5, "no label", "", "0", "07:30:00"),
    ]


def test_a_row_wider_than_the_header_is_a_bad_row(tmp_path: Path) -> None:
    source = f"file:{written(tmp_path / 'x.xlsx', A=[['a', 'b'], ['1', '2', '3'], ['4'], [None, '5']])}"
    with pytest.raises(DataError, match=r"^x\.xlsx:2: 3 fields, but the header has 2$"):
        read_rows(source)
    bad = BadRows(skip=True)
    assert [row.values for row in read_rows(source, bad=bad).rows] == [{"a": "4", "b": ""}, {"a": "", "b": "5"}]


def test_the_only_sheet_with_cells_is_read_and_others_by_name(tmp_path: Path) -> None:
    one, two = [["text"], ["a"]], [["text"], ["b"]]
    written(tmp_path / "one.xlsx", Empty=[], Data=one)
    assert [row.values for row in read_rows(f"file:{tmp_path}/one.xlsx").rows] == [{"text": "a"}]
    file = written(tmp_path / "two.xlsx", Train=one, Test=two)
    with pytest.raises(SourceError, match=r"has 2 sheets with cells; name one as two\.xlsx#SHEET: Test, Train$"):
        read_rows(f"file:{file}")
    assert [row.values for row in read_rows(f"file:{file}", "Test").rows] == [{"text": "b"}]
    assert [row.values for row in read_rows(f"file:{tmp_path}", "two.xlsx#Train").rows] == [{"text": "a"}]
    with pytest.raises(SourceError, match=r"has no sheet 'Dev'; it has Test, Train"):
        read_rows(f"file:{file}", "Dev")
    with pytest.raises(DataError, match="has no rows"):
        read_rows(f"file:{written(tmp_path / 'none.xlsx', A=[])}")


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    file = written(tmp_path / "x.xlsx", Lists=[["x"], ["1"]], Data=[["text"], ["a"]])
    book = openpyxl.load_workbook(file)
    book["Lists"].sheet_state = "hidden"
    book.save(file)
    assert read_rows(f"file:{file}").columns == ("text",)


def test_the_first_row_may_be_a_row(tmp_path: Path) -> None:
    file = written(tmp_path / "x.xlsx", A=[[3, "a text"], [4, "another"]])
    assert [row.values for row in read_rows(f"file:{file}", header=False).rows] == [
        {"0": "3", "1": "a text"},
        {"0": "4", "1": "another"},
    ]


def test_a_formula_is_the_value_that_was_saved_and_is_never_computed(tmp_path: Path) -> None:
    file = written(tmp_path / "x.xlsx", A=[["text"], ["=1+1"], ["x"]])
    assert [row.values["text"] for row in read_rows(f"file:{file}").rows] == ["x"], "nothing was saved"
    changed(file, "xl/worksheets/sheet1.xml", "<v></v>", "<v>7</v>")
    assert [row.values["text"] for row in read_rows(f"file:{file}").rows] == ["7", "x"]


def test_a_task_reads_it(tmp_path: Path) -> None:
    rows = [["Review", "Label"], *([f"text {at}", "ab"[at % 2]] for at in range(40))]
    data = {"source": f"file:{written(tmp_path / 'x.xlsx', A=rows)}", "columns": {"text": "Review"}}
    found = corpus.load(resolve({"task": "topic", "data": data, "method": {"name": "lora"}}, name="r"))
    assert sum(map(len, found.dataset.splits.values())) == 40


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "x.xlsx", A=[["text"], ["a"]])
    monkeypatch.setattr(limits, "ALWAYS", 3 << 20)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/big.xml", b"\0" * (4 << 20))
    with pytest.raises(DataError, match=r"^x\.xlsx: unpacks to more than 3 MiB, over 100 times its size; refused$"):
        read_rows(f"file:{file}")


def test_few_bytes_that_stand_for_many_cells_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row names the last of 16,384 columns."""
    file = written(tmp_path / "x.xlsx", A=[["text"], ["a"]])
    monkeypatch.setattr(limits, "ALWAYS", 3 << 20)
    rows = "".join(f'<row r="{at}"><c r="XFD{at}"><v>1</v></c></row>' for at in range(3, 40))
    changed(file, "xl/worksheets/sheet1.xml", "</sheetData>", f"{rows}</sheetData>")
    with pytest.raises(DataError, match=r"^x\.xlsx: unpacks to more than 3 MiB"):
        read_rows(f"file:{file}")


def test_entities_that_grow_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "x.xlsx", A=[["text"], ["a"]])
    grown = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 10))
    doctype = f'<!DOCTYPE x [<!ENTITY e0 "{"z" * 100}">{grown}]>'
    changed(file, "xl/worksheets/sheet1.xml", "<worksheet", f"{doctype}<worksheet")
    changed(file, "xl/worksheets/sheet1.xml", "</sheetData>", '<row><c t="str"><v>&e9;</v></c></row></sheetData>')
    with pytest.raises(DataError, match=r"^x\.xlsx: not a workbook of Excel: "):
        read_rows(f"file:{file}")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"text,label\na,b\n", "not a workbook of Excel: File is not a zip file"),
        (b"PK\x03\x04", "not a workbook of Excel: "),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file from before 2007 or with a password; save it as .xlsx"),
        (b"", "not a workbook of Excel: File is not a zip file"),
    ],
)
def test_what_is_no_workbook_is_told(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_rows(f"file:{tmp_path}/x.xlsx")
    assert str(raised.value).startswith(f"x.xlsx: {expected}")


def test_damage_at_any_place_is_one_line(tmp_path: Path) -> None:
    content = written(tmp_path / "x.xlsx", A=[["text", "label"], ["a", 1], ["b", 2]]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
    for name in names:
        for old, new in ((b"<", b"<<"), (b'"', b""), (b"1", b"x")):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inside = {each: archive.read(each) for each in names}
            inside[name] = inside[name].replace(old, new)
            with zipfile.ZipFile(tmp_path / "y.xlsx", "w") as archive:
                for each, text in inside.items():
                    archive.writestr(each, text)
            try:
                read_rows(f"file:{tmp_path}/y.xlsx")
            except DataError as error:
                assert "\n" not in str(error)  # noqa: PT017 - it may be read
    for cut in range(0, len(content), 97):
        (tmp_path / "y.xlsx").write_bytes(content[:cut])
        with pytest.raises(DataError, match=r"^y\.xlsx: "):
            read_rows(f"file:{tmp_path}/y.xlsx")


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "x.xlsx", A=[["text"], ["a"]])
    monkeypatch.setattr(excel, "find_spec", lambda _: None)
    with pytest.raises(SourceError, match=r"pip install 'pefbench\[excel\]'; or save it as CSV"):
        read_rows(f"file:{file}")
