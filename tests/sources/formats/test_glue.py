"""GLUE's tab-separated files: headers, byte order marks, bare quotes, and CoLA's without a header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

SST2 = 'sentence\tlabel\nhide new secretions from the parental units \t0\ncontains no " wit \t0\n'
MRPC = (
    "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
    '1\t702876\t702977\tAmrozi accused his brother , " the witness " .\tCalling him " the witness " , Amrozi said .\r\n'
    '0\t210\t211\t"The cost\tA 5" disk\r\n'
)
COLA = (
    "gj04\t1\t\tOur friends won't buy this analysis, let alone the next one we propose.\n"
    "gj04\t1\t\tOne more pseudo generalization and I'm giving up.\n"
    'gj04\t0\t*\tThe "fast car.\n'
)


def source(folder: Path, text: str) -> str:
    (folder / "train.tsv").write_bytes(text.encode("utf-8"))
    return f"file:{folder}/train.tsv"


def test_sst_2(tmp_path: Path) -> None:
    rows = read_rows(source(tmp_path, SST2))
    assert rows.columns == ("sentence", "label")
    assert [row.values["sentence"] for row in rows.rows][1] == 'contains no " wit '
    assert [row.line for row in rows.rows] == [2, 3]


def test_mrpc(tmp_path: Path) -> None:
    rows = read_rows(source(tmp_path, MRPC))
    assert rows.columns == ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String")
    assert [(row.values["Quality"], row.values["#2 String"]) for row in rows.rows] == [
        ("1", 'Calling him " the witness " , Amrozi said .'),
        ("0", 'A 5" disk'),
    ]


def test_cola_keeps_its_first_sentence_when_the_recipe_says_that_there_is_no_header(tmp_path: Path) -> None:
    rows = read_rows(source(tmp_path, COLA), format="tsv_no_header")
    assert rows.columns == ("0", "1", "2", "3")
    assert [(row.line, row.values["1"], row.values["3"][:8]) for row in rows.rows] == [
        (1, "1", "Our frie"),
        (2, "1", "One more"),
        (3, "0", 'The "fas'),
    ]


def test_a_line_of_another_width_is_named_or_left_out(tmp_path: Path) -> None:
    file = source(tmp_path, f"{COLA}\ngj04\t1\r\ngj04\t1\t\tFine.\r\n")
    message = refusal(DataError, read_rows, file, format="tsv_no_header")
    assert message == "train.tsv:5: 2 fields, but the first line has 4"
    bad = BadRows(skip=True)
    rows = read_rows(file, format="tsv_no_header", bad=bad).rows
    assert (rows[-1].line, rows[-1].values["3"]) == (6, "Fine.")
    assert bad.found == [message]
