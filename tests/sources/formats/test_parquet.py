"""Damaged Parquet, and types that text does not have."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from pefbench.errors import DataError
from pefbench.sources import limits
from pefbench.sources.formats.parquet import read_parquet
from pefbench.sources.rows import BadRows
from tests.sources.refusals import refusal


def written(table: pa.Table, metadata: bytes | None = None) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": metadata} if metadata else None), buffer)
    return buffer.getvalue()


def read(data: bytes) -> list[dict[str, Any]]:
    return [row.values for row in read_parquet(data, "x.parquet", BadRows()).rows]


LABELS = pa.table({"label": [0, 1]})


@pytest.mark.parametrize(
    "metadata",
    [
        b"{",
        b"[1]",
        b'{"info": 3}',
        b'{"info": {"features": [1]}}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel"}}}}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": "ab"}}}}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": [1]}}}}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a"]}}}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 5000,
    ],
    ids=lambda value: str(value[:60]),
)
def test_damaged_types_are_refused(metadata: bytes) -> None:
    assert refusal(DataError, read, written(LABELS, metadata)).startswith("x.parquet: ")


@pytest.mark.parametrize("metadata", [None, b"{}", b'{"info": {}}', b'{"info": {"features": null}}', b'{"other": 1}'])
def test_types_that_say_nothing_of_labels(metadata: bytes | None) -> None:
    assert read(written(LABELS, metadata)) == [{"label": 0}, {"label": 1}]


def test_categories_missing_values_and_booleans() -> None:
    table = pa.table(
        {
            "category": pa.array(["a", "b", None]).dictionary_encode(),
            "nullable": pa.array([1, None, 3], pa.int32()),
            "flag": [True, False, None],
            " name\u00a0": ["x", "y", "z"],
        }
    )
    assert read(written(table)) == [
        {"category": "a", "nullable": 1, "flag": True, "name": "x"},
        {"category": "b", "nullable": None, "flag": False, "name": "y"},
        {"category": None, "nullable": 3, "flag": None, "name": "z"},
    ]


def test_named_categories_of_numbers() -> None:
    types = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}
    table = pa.table({"label": pa.array([1, 0, None]).dictionary_encode()})
    metadata = json.dumps({"info": {"features": types}}).encode()
    assert [row["label"] for row in read(written(table, metadata))] == ["pos", "neg", None]


def test_a_file_that_grows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALWAYS", 1 << 20)
    data = written(pa.table({"text": ["x" * 100] * 200_000}))
    assert len(data) < 100_000
    assert "unpacks to more than" in refusal(DataError, read, data)


def test_two_columns_of_one_name() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert "two columns are called 'a'" in refusal(DataError, read, written(table))
