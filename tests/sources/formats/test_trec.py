"""TREC question classes: two labels before each text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.sources import read_rows
from pefbench.sources.formats.trec import read_trec
from pefbench.sources.rows import BadRows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_is_a_coarse_label_a_fine_one_and_a_text() -> None:
    rows = read_trec("DESC:manner How did it end ?\r\n\n NUM:date  When : at 5:30 ?\n", "x.label", BadRows())
    assert rows.columns == ("text", "coarse_label", "fine_label")
    assert [(row.line, *row.values.values()) for row in rows.rows] == [
        (1, "How did it end ?", "DESC", "DESC:manner"),
        (3, "When : at 5:30 ?", "NUM", "NUM:date"),
    ]


@pytest.mark.parametrize("line", ["DESC How ?", "DESC:manner", "DESC:manner ", ":manner How ?", "DESC: How ?", "How ?"])
def test_a_line_of_another_kind_is_named(line: str) -> None:
    message = refusal(DataError, read_trec, f"DESC:manner How ?\n{line}\n", "x.label", BadRows())
    assert message == f"x.label:2: should be CLASS:subclass and a text, got {line.strip()!r}"


def test_it_is_a_format_by_name_and_as_a_task_s_own(tmp_path: Path) -> None:
    file = tmp_path / "x.label"
    file.write_bytes("HUM:ind Who is José ?".encode("latin-1"))
    for own, named in (("conll", "trec"), ("trec", None)):
        [row] = read_rows(f"file:{file}", encoding="latin-1", format=named, text_format=own).rows
        assert row.values["text"] == "Who is José ?"
