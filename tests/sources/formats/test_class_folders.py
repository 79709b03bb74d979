"""Folders of texts by class, as in IMDB, 20 Newsgroups and BBC News."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, EncodingError, read_rows

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, files: dict[str, str | bytes]) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return f"file:{folder}"


def imdb(folder: Path) -> str:
    files: dict[str, str | bytes] = {
        f"{split}/{kind}/{at}_{at}.txt": f"{split} {kind} {at}<br />"
        for split, kinds in {"train": ("pos", "neg", "unsup"), "test": ("pos", "neg")}.items()
        for kind in kinds
        for at in range(3)
    }
    return written(
        folder,
        files | {"README": "x", "train/urls_pos.txt": "http", "train/labeledBow.feat": "9 0:9", "imdb.vocab": "a"},
    )


def test_imdb_is_read_by_split(tmp_path: Path) -> None:
    source = imdb(tmp_path)
    found = read_rows(source, "train", text_format="tsv")
    assert [row.values for row in found.rows] == [
        {"text": f"train {kind} {at}<br />", "label": kind} for kind in ("neg", "pos") for at in range(3)
    ]
    assert [row.where for row in found.rows][:1] == ["train/neg/0_0.txt:1"]
    assert found.notes == ("classes by folder: neg, pos", "not read, as its texts have no label: unsup")
    assert len(read_rows(source, "test").rows) == 6
    with pytest.raises(SourceError, match=r"test, train can be read as a whole, as in -o data\.train=train"):
        read_rows(source)


def test_files_without_a_suffix_and_in_latin_1_are_texts(tmp_path: Path) -> None:
    source = written(tmp_path, {"alt.atheism/49960": "caf\u00e9".encode("latin-1"), "sci.space/60": "moon\n"})
    found = read_rows(source, encoding="latin-1")
    assert [(row.values["text"], row.values["label"]) for row in found.rows] == [
        ("caf\u00e9", "alt.atheism"),
        ("moon", "sci.space"),
    ]
    with pytest.raises(EncodingError, match=r"alt\.atheism/49960:1: not UTF-8 \(byte 0xe9\)") as refused:
        read_rows(source)
    assert "name the file's encoding with data.encoding" in refused.value.in_recipe
    bad = BadRows(skip=True)
    assert len(read_rows(source, bad=bad).rows) == len(bad.found) == 1


def test_an_empty_file_is_a_bad_row(tmp_path: Path) -> None:
    source = written(tmp_path, {"ham/1.txt": "x", "ham/2.txt": " \n", "spam/1.txt": "y", "Summary.txt": "z"})
    with pytest.raises(DataError, match=r"^ham/2\.txt:1: an empty text$"):
        read_rows(source)


@pytest.mark.parametrize(
    "files",
    [
        ["train/a.txt", "test/a.txt"],
        ["en/train.txt", "en/test.txt", "de/train.txt", "de/test.txt"],
        ["a/x.csv", "b/x.csv"],
        ["a/x.txt", "a/y.txt"],
    ],
)
def test_other_folders_are_not_taken_for_classes(tmp_path: Path, files: list[str]) -> None:
    source = written(tmp_path, dict.fromkeys(files, "a"))
    with pytest.raises(SourceError, match="name the file to read in this folder"):
        read_rows(source)


def test_one_file_in_a_folder_of_a_folder_is_that_file(tmp_path: Path) -> None:
    for files in (["a/x.txt"], ["a/x.txt", ".b/y.txt"]):
        found = read_rows(written(tmp_path, dict.fromkeys(files, '{"text": "a"}')), text_format="jsonl")
        assert [row.where for row in found.rows] == ["a/x.txt:1"]


def test_the_format_can_be_named(tmp_path: Path) -> None:
    source = written(tmp_path, {"en/train.txt": "x", "de/train.txt": "y"})
    assert len(read_rows(source, format="class_folders").rows) == 2
    with pytest.raises(SourceError, match="should hold a folder of texts"):
        read_rows(source, "en", format="class_folders")
    with pytest.raises(SourceError, match="the format class_folders reads a folder; name the folder"):
        read_rows(source, "en/train.txt", format="class_folders")
