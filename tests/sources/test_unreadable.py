"""Files with other suffixes are read by content: JSON Lines, JSON, or refused markup."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import read_rows
from pefbench.sources.stream import stream_rows

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"source": "the river", "label": 1}, {"source": "a house", "label": 0}]


@pytest.mark.parametrize("text_format", ["conll", "tsv", "trec", "jsonl"])
@pytest.mark.parametrize("indent", [None, 2, "lines"])
def test_json_of_another_suffix_is_json(tmp_path: Path, text_format: str, indent: int | str | None) -> None:
    """As the manifests of SageMaker Ground Truth, which were one sentence of three words to the reader of CoNLL."""
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (tmp_path / "x.manifest").write_text(lines if indent == "lines" else json.dumps(ROWS, indent=indent))
    found = read_rows(f"file:{tmp_path}/x.manifest", text_format=text_format)
    assert [row.values for row in found.rows] == ROWS
    streamed = stream_rows(tmp_path / "x.manifest", format=None, text_format=text_format)
    assert streamed is None or [row.values for row in streamed] == ROWS


@pytest.mark.parametrize("text_format", ["conll", "tsv", "trec", "jsonl"])
@pytest.mark.parametrize("text", ['<?xml version="1.0"?>\n<set/>\n', "\ufeff <!DOCTYPE html>\n<p>\n", "<HTML>\n\nx\n"])
def test_markup_is_refused(tmp_path: Path, text_format: str, text: str) -> None:
    (tmp_path / "x.txt").write_text(text, encoding="utf-8")
    with pytest.raises(
        SourceError, match=r"^x\.txt: XML has no columns and is not read; write its texts and labels as"
    ):
        read_rows(f"file:{tmp_path}/x.txt", text_format=text_format)


def test_tags_are_no_markup(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("<s> O\n[ O\n{ B-X\n\n", encoding="utf-8")
    assert read_rows(f"file:{tmp_path}/x.txt", text_format="conll").rows[0].values["0"] == ["<s>", "[", "{"]


def test_a_file_that_should_be_json_lines_and_is_none_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("Hi __eou__ Hello __eou__\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"^x\.txt: not JSON Lines, .* data\.format names another format"):
        read_rows(f"file:{tmp_path}/x.txt", text_format="jsonl")


def test_uima_is_told_what_to_export(tmp_path: Path) -> None:
    (tmp_path / "x.xmi").write_text("<?xml?>", encoding="utf-8")
    with pytest.raises(SourceError, match=r"export it as CoNLL 2003, or write"):
        read_rows(f"file:{tmp_path}/x.xmi")


def test_webanno_is_told_what_to_export(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text(
        "#FORMAT=WebAnno TSV 3.3\n\n\n#Text=Ada ran\n1-1\t0-3\tAda\t_\t\n", encoding="utf-8"
    )
    with pytest.raises(SourceError, match=r"^x\.tsv: WebAnno TSV is not read; export it as CoNLL 2003"):
        read_rows(f"file:{tmp_path}/x.tsv", text_format="conll")
