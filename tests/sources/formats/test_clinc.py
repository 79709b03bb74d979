"""CLINC150: several splits in one JSON file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.paths import PROJECT
from pefbench.sources import BadRows, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

SHARED = PROJECT.parent / "shared" / "data" / "clinc150" / "data_small.json"
SPLITS = {
    "oos_test": [["who won", "oos"]],
    "train": [["freeze my account", "freeze_account"], ["hé", "greeting"]],
    "test": [["hi", "greeting"]],
}


def write(folder: Path, document: Any = SPLITS) -> str:
    (folder / "data.json").write_text(json.dumps(document, indent=4), encoding="utf-8")
    return f"file:{folder}/data.json"


def texts(source: str, part: str | None = None, **options: Any) -> list[str]:
    return [row.values["text"] for row in read_rows(source, part, **options).rows]


def test_a_part_is_one_split_or_several_or_all(tmp_path: Path) -> None:
    source = write(tmp_path)
    rows = read_rows(source, "train")
    assert rows.columns == ("text", "label")
    assert [(row.where, *row.values.values()) for row in rows.rows] == [
        ("data.json#train:1", "freeze my account", "freeze_account"),
        ("data.json#train:2", "hé", "greeting"),
    ]
    assert texts(source, "test+oos_test") == ["hi", "who won"]
    assert texts(source) == ["who won", "freeze my account", "hé", "hi"]
    assert texts(source, format="clinc", part="oos_test") == ["who won"]


def test_in_a_folder_the_split_stands_behind_the_file(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "odd#name.json").write_text('{"a": [["x", "y"]]}', encoding="utf-8")
    source = f"file:{tmp_path}"
    assert texts(source, "data.json#test+oos_test") == ["hi", "who won"]
    assert texts(source, "data.json") == ["who won", "freeze my account", "hé", "hi"]
    assert texts(source, "odd#name.json") == ["x"]
    assert "did you mean 'data.json'" in refusal(SourceError, read_rows, source, "dato.json#test")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("tain", "data.json: has no split 'tain'; did you mean 'train'? valid: oos_test, test, train"),
        ("train+oos", "data.json: has no split 'oos'; "),
        ("train+", "data.json: has no split ''; "),
        ("train+train", "data.json: the split 'train' is named twice in 'train+train'"),
    ],
)
def test_a_split_that_is_not_there_lists_those_that_are(tmp_path: Path, part: str, expected: str) -> None:
    assert refusal(SourceError, read_rows, write(tmp_path), part).startswith(expected)


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.parquet"])
def test_other_formats_have_no_splits_inside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('[{"text": "a", "label": "b"}]', encoding="utf-8")
    message = refusal(SourceError, read_rows, f"file:{tmp_path}/{name}", "train")
    assert message == f"{name}: is a single file and has no part 'train'; give its folder as the source"


@pytest.mark.parametrize("pair", [["a"], ["a", "b", "c"], "ab", {"a": "b"}, [" ", "b"], ["a", ""], ["a", 1], None])
def test_a_bad_pair_is_named_or_left_out(tmp_path: Path, pair: Any) -> None:
    source = write(tmp_path, {"train": [["a", "b"], pair, ["c", "d"]]})
    message = refusal(DataError, read_rows, source, "train")
    assert message.startswith("data.json#train:2: should be [text, label], got ")
    bad = BadRows(skip=True)
    assert [row.line for row in read_rows(source, "train", bad=bad).rows] == [1, 3]
    assert bad.found == [message]


@pytest.mark.parametrize("document", [[["a", "b"]], {"train": {"a": "b"}}, "train"])
def test_another_layout_is_refused(tmp_path: Path, document: Any) -> None:
    message = refusal(DataError, read_rows, write(tmp_path, document), "train", format="clinc")
    assert message == "data.json: should be an object of lists, {split: [[text, label], ...]}"


@pytest.mark.skipif(not SHARED.is_file(), reason="needs ../shared/data/clinc150")
def test_the_published_file_has_its_published_sizes() -> None:
    sizes = {"train": 7500, "val": 3000, "test+oos_test": 5500, "oos_train": 100}
    assert {part: len(texts(f"file:{SHARED}", part)) for part in sizes} == sizes
