"""Arrow's files, and folders of ``save_to_disk``, compared with what `datasets` reads from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa
import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import read_rows

if TYPE_CHECKING:
    from pathlib import Path


def made(rows: int) -> Any:
    types = {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    values = {"text": [f"text {at}" for at in range(rows)], "label": [at % 2 for at in range(rows)]}
    return datasets.Dataset.from_dict(values, features=datasets.Features(types))


def test_a_saved_data_set_is_read_with_its_label_names(tmp_path: Path) -> None:
    made(10).save_to_disk(tmp_path / "d", num_shards=3)
    (tmp_path / "d" / "cache-1.arrow").write_bytes((tmp_path / "d" / "data-00000-of-00003.arrow").read_bytes())
    found = read_rows(f"file:{tmp_path}/d", text_format="trec")
    assert [row.values for row in found.rows] == [
        {"text": f"text {at}", "label": ["no", "yes"][at % 2]} for at in range(10)
    ]
    assert [row.where for row in found.rows][4] == "data-00001-of-00003.arrow:1"
    alone = read_rows(f"file:{tmp_path}/d", "data-00001-of-00003.arrow")
    assert [row.values["text"] for row in alone.rows] == ["text 4", "text 5", "text 6"]


def test_splits_that_were_saved_together_are_named(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": made(6), "test": made(2)}).save_to_disk(tmp_path / "d")
    assert [len(read_rows(f"file:{tmp_path}/d", split).rows) for split in ("train", "test")] == [6, 2]
    with pytest.raises(SourceError, match=r"test, train can be read as a whole, as in -o data\.train=train"):
        read_rows(f"file:{tmp_path}/d")


@pytest.mark.parametrize("state", [{}, [], {"_data_files": [{"filename": "../x.arrow"}]}, {"_data_files": [1]}])
def test_a_damaged_state_is_told(tmp_path: Path, state: object) -> None:
    made(3).save_to_disk(tmp_path)
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(DataError, match=r"^state\.json: should name files of the folder, names \["):
        read_rows(f"file:{tmp_path}")


def test_offsets_that_point_elsewhere_are_no_text(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "bc", "def"]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content = bytes(sink.getvalue())
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 1, 3, 6))
    assert content.count(offsets) == 1
    wrong = b"".join(number.to_bytes(4, "little") for number in (0, 1, 3, 6_000_000))
    (tmp_path / "x.arrow").write_bytes(content.replace(offsets, wrong))
    with pytest.raises(DataError, match=r"^x\.arrow: not Arrow: "):
        read_rows(f"file:{tmp_path}/x.arrow")
    (tmp_path / "x.arrow").write_bytes(content)
    assert [row.values["text"] for row in read_rows(f"file:{tmp_path}/x.arrow").rows] == ["a", "bc", "def"]


def test_a_damaged_name_is_told(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("textual", pa.string())])):
        pass
    (tmp_path / "x.arrow").write_bytes(bytes(sink.getvalue()).replace(b"textual", b"text\xc8al"))
    with pytest.raises(DataError, match=r"^x\.arrow: the name of a column is damaged$"):
        read_rows(f"file:{tmp_path}/x.arrow")


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"text,label\na,b\n", b"\xff\xff\xff\xff\x10\0\0\0"])
def test_what_is_not_arrow_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.arrow").write_bytes(content)
    with pytest.raises(DataError, match=r"^x\.arrow: not Arrow: "):
        read_rows(f"file:{tmp_path}/x.arrow")
