"""Which file, folder or split of a source is used."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

YAML = "conversations:\n- [a, b]\n"
TABLE = '{"text": "a"}\n'


def test_a_task_s_folder_format_gives_way_to_the_only_table(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(YAML, encoding="utf-8")
    source = f"file:{tmp_path}"
    assert read_rows(source, text_format="chatterbot").columns == ("category", "turns")
    (tmp_path / "x.jsonl").write_text(TABLE, encoding="utf-8")
    assert read_rows(source, text_format="chatterbot").columns == ("text",)
    assert read_rows(source, format="chatterbot").columns == ("category", "turns")
    assert read_rows(source, format="jsonl").columns == ("text",)
    (tmp_path / "y.csv").write_text("text\n", encoding="utf-8")
    assert read_rows(source, text_format="chatterbot").columns == ("category", "turns")


def test_a_part_that_is_a_folder_with_one_file(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "x.jsonl").write_text(TABLE, encoding="utf-8")
    [row] = read_rows(f"file:{tmp_path}", "train").rows
    assert row.where == "train/x.jsonl:1"
    (tmp_path / "train" / "y.jsonl").write_text(TABLE, encoding="utf-8")
    message = refusal(SourceError, read_rows, f"file:{tmp_path}", "train")
    assert message == "train: name the file to read in this folder; it has x.jsonl, y.jsonl"


def test_the_digest_of_a_folder_is_that_of_its_only_file(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(TABLE, encoding="utf-8")
    source = f"file:{tmp_path}"
    assert len(read_rows(source, sha256=hashlib.sha256(TABLE.encode()).hexdigest()).rows) == 1
    assert "x.jsonl has sha256" in refusal(SourceError, read_rows, source, sha256="0" * 64)
    (tmp_path / "y.jsonl").write_text(TABLE, encoding="utf-8")
    assert "name the file to read" in refusal(SourceError, read_rows, source, sha256="0" * 64)


@pytest.mark.parametrize("part", ["../x.jsonl#train", "a/../../x.jsonl", "#train", "", "."])
def test_a_part_outside_or_without_a_file_is_refused(tmp_path: Path, part: str) -> None:
    refusal(SourceError, read_rows, f"file:{tmp_path}", part)


def test_a_file_of_a_folder_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes("conversations:\n- [é, b]\n".encode("latin-1"))
    message = refusal(DataError, read_rows, f"file:{tmp_path}", format="chatterbot")
    assert message == "x.yml:2: not UTF-8 (byte 0xe9); save the file as UTF-8"
