"""A streamed file has the same rows, line numbers and errors as one that is read whole."""

from __future__ import annotations

import gzip
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import Row, blocks, read_rows, readers, stream_rows
from tests.sources.amounts import files
from tests.sources.grammars import GRAMMARS, Made

STREAMED = ("csv", "tsv", "jsonl", "conll", "conllu", "parquet")


def known(row: Row) -> Any:
    """A row, but for keys of other rows that it lacks."""
    return {name: value for name, value in row.values.items() if value is not None}, row.where, row.line_a_token


def outcome(rows: Any) -> list[Any] | str:
    try:
        return [known(row) for row in rows()]
    except DataError as error:
        return str(error)


def test_the_usual_formats_are_streamed() -> None:
    assert {name for name in readers.names() if getattr(readers.find(name), "stream", None)} == {*STREAMED}


@pytest.mark.parametrize("name", STREAMED)
@settings(max_examples=files(20), deadline=None, suppress_health_check=[*HealthCheck])
@given(data=st.data())
def test_it_has_the_rows_of_the_whole_file(name: str, data: st.DataObject) -> None:
    made: Made = data.draw(GRAMMARS[name])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "LINES", data.draw(st.integers(1, 4)))
        [(file, content)] = made.files.items()
        path = Path(folder) / file
        path.write_bytes(content)
        whole = outcome(lambda: read_rows(f"file:{path}", format=name).rows)
        streamed = stream_rows(path, format=name, text_format="jsonl")
        head = gzip.decompress(content) if file.endswith(".gz") else content
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\r" in head and b"\n" not in head):
            assert streamed is None
            return
        assert streamed is not None
        found = outcome(lambda: streamed)
        if isinstance(whole, str) and whole.endswith("has no rows"):
            assert found == []
        elif isinstance(whole, str):  # of several broken rows the first is named, whatever is wrong with it
            assert isinstance(found, str)
            assert found.startswith(f"{file}:")
        else:
            assert found == whole


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("x.csv", b"text\nfine\n\xff\n", r"x\.csv:3: not UTF-8 \(byte 0xff\)"),
        ("x.csv", b"text\n" + 4000 * b"fine\r\n" + b"a\n\xff\n", r"x\.csv:4003: not UTF-8 \(byte 0xff\)"),
        ("x.csv.gz", gzip.compress(b"text\nfine\n" * 1000, mtime=0)[:-20], r"x\.csv\.gz: not gzip, or cut short"),
        ("x.conll", b"a b\n" * 3 + b"\n" + b"a b c\n", r"x\.conll:5: 3 columns, but the file has 2"),
        ("x.jsonl", b'{"text": "a"}\n' * 5 + b"{\n", r"x\.jsonl:6: not JSON"),
        ("x.parquet", b"PAR1", r"x\.parquet: not Parquet"),
    ],
)
def test_what_is_wrong_is_named(
    file: str, content: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LINES", 2)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=said):
        list(stream_rows(tmp_path / file, format=None, text_format="conll") or ())


def test_columns_of_words_in_a_tsv_file_are_streamed_as_such(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text("#\ta\t[1]\nw0\tO\nw1\tB-X\n\nw2\tO\n", encoding="utf8")
    whole = read_rows(f"file:{file}", text_format="conll").rows
    assert [row.values["0"] for row in whole] == [["w0", "w1"], ["w2"]]
    assert [known(row) for row in stream_rows(file, format=None, text_format="conll") or ()] == [*map(known, whole)]


def test_what_must_be_read_whole_is_not_streamed(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]", encoding="utf8")
    (tmp_path / "x.csv").write_text("text\n\u00e9\n", encoding="utf-16")
    prodigy = '{"text": "a", "answer": "accept", "_input_hash": 1}\n'
    (tmp_path / "x.jsonl").write_text(prodigy, encoding="utf8")
    for name in ("x.json", "x.csv", "x.jsonl"):
        assert stream_rows(tmp_path / name, format=None, text_format="jsonl") is None


@pytest.mark.parametrize("packed", [False, True])
def test_a_few_rows_are_held_at_a_time(tmp_path: Path, *, packed: bool) -> None:
    line = f"some words {'x' * 1000}\n".encode()
    content = b"text\n" + line * 20_000
    file = tmp_path / ("x.csv.gz" if packed else "x.csv")
    file.write_bytes(gzip.compress(content) if packed else content)
    rows = stream_rows(file, format=None, text_format="jsonl")
    assert rows is not None
    tracemalloc.start()
    assert sum(1 for _ in rows) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(content) / 5
