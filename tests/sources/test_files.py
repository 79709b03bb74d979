from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from pefbench.errors import DataError, SourceError
from pefbench.sources import EncodingError, check_weights, locate, parts, read_rows
from pefbench.sources.formats.csv import read_csv
from pefbench.sources.rows import BadRows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return f"file:{path}"


def values(source: str, part: str | None = None, **options: Any) -> list[dict[str, Any]]:
    return [row.values for row in read_rows(source, part, **options).rows]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.jsonl", '{"text": "a", "label": "1"}\n\n{"text": "b"}\n'),
        ("x.ndjson", '{"text": "a", "label": "1"}\r\n{"text": "b", "label": null}'),
        ("x.json", '[{"text": "a", "label": "1"}, {"text": "b"}]'),
        ("x.JSON", '{"version": 1, "data": [{"text": "a", "label": "1"}, {"text": "b"}]}'),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_json_forms_read_the_same(tmp_path: Path, name: str, text: str, *, compressed: bool) -> None:
    data = b"\xef\xbb\xbf" + text.encode()
    source = write(tmp_path / (f"{name}.gz" if compressed else name), gzip.compress(data) if compressed else data)
    rows = read_rows(source)
    assert rows.columns == ("text", "label")
    assert [row.values for row in rows.rows] == [{"text": "a", "label": "1"}, {"text": "b", "label": None}]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    jsonl = read_rows(write(tmp_path / "x.jsonl", '\n{"a": 1}\n\n{"a": 2}\n'))
    assert [row.where for row in jsonl.rows] == ["x.jsonl:2", "x.jsonl:4"]
    table = read_rows(write(tmp_path / "x.csv", 'a,b\r\n"two\nlines",2\r\n\r\nc,4\r\n'))
    assert [row.where for row in table.rows] == ["x.csv:2", "x.csv:5"]
    assert table.rows[0].values == {"a": "two\nlines", "b": "2"}


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_csv_round_trip(records: list[tuple[str, str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *records])
    read = read_csv(buffer.getvalue(), "x.csv", BadRows()).rows
    assert [(row.values["a"], row.values["b"]) for row in read] == records


def test_a_quote_in_tsv_is_a_character(tmp_path: Path) -> None:
    assert values(write(tmp_path / "x.tsv", 'text\tlabel\n"open\t1\n5" disk\t2\n')) == [
        {"text": '"open', "label": "1"},
        {"text": '5" disk', "label": "2"},
    ]


def test_a_field_longer_than_the_csv_module_allows(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    assert values(write(tmp_path / "x.csv", f"text\n{'a' * 200_000}\n"))[0]["text"] == "a" * 200_000
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.jsonl", '{"a": 1}\n{"a": }\n', "x.jsonl:2: not JSON"),
        ("x.jsonl", '{"a": 1}\n[1]\n', "x.jsonl:2: a row must be an object"),
        ("x.json", '[\n{"a": 1},\n{"a" 2}\n]', "x.json:3: not JSON"),
        ("x.json", '{"a": []}', "x.json: holds neither a list"),
        ("x.json", '["a"]', "x.json:1: a row must be an object"),
        ("x.csv", "a,b\n1,2\n1,2,3\n", "x.csv:3: 3 fields, but the header has 2"),
        ("x.csv", 'a,b\n1,"never closed\n', "x.csv:2: not CSV"),
        ("x.csv", "a,a\n1,2\n", "x.csv:1: the header names 'a' twice"),
        ("x.tsv", "a\tb\n1\n", "x.tsv:2: 1 field, but the header has 2"),
        ("x.conll", "a\tO\nb\n", "x.conll:2: 1 column, but the file has 2"),
        ("x.csv.gz", "not gzip", "x.csv.gz: not gzip"),
        ("x.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "x.csv.gz: not gzip, or cut short"),
        ("x.parquet", "not parquet", "x.parquet: not Parquet"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str | bytes, expected: str
) -> None:
    assert refusal(DataError, read_rows, write(tmp_path / name, text)).startswith(expected)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "UTF-16", "utf-16-le", "utf-8-sig", "utf8"])
@pytest.mark.parametrize("name", ["x.jsonl", "x.csv.gz"])
def test_text_of_another_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    data = ('{"a": "caf\u00e9"}' if name == "x.jsonl" else "a\ncaf\u00e9\n").encode(encoding)
    source = write(tmp_path / name, gzip.compress(data) if name.endswith("gz") else data)
    assert values(source, encoding=encoding) == [{"a": "caf\u00e9"}]


def test_the_line_that_is_not_of_the_encoding(tmp_path: Path) -> None:
    wide = "a\n\u0a0a\u010a\n".encode("utf-16-le")  # letters with a byte that is a line feed elsewhere
    damaged = write(tmp_path / "x.csv", wide + b"\x00\xd8a\x00")
    message = refusal(EncodingError, read_rows, damaged, encoding="utf-16-le")
    assert message == "x.csv:3: not UTF-16-LE (byte 0x00); save the file as UTF-8"
    tagged = write(tmp_path / "x.txt", "a\tO\n\ncaf\u00e9\tO\n".encode("latin-1"))
    assert refusal(EncodingError, read_rows, tagged) == "x.txt:3: not UTF-8 (byte 0xe9); save the file as UTF-8"


@pytest.mark.parametrize("encoding", ["latin-l", "hex", "undefined", "", "a\0b"])
def test_an_encoding_that_there_is_not(tmp_path: Path, encoding: str) -> None:
    message = refusal(SourceError, read_rows, write(tmp_path / "x.csv", "a\n1\n"), encoding=encoding)
    assert f"unknown encoding {encoding!r}" in message
    assert "latin-1" in message


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x.txt"])
def test_a_file_without_rows_is_refused(tmp_path: Path, name: str) -> None:
    assert "has no rows" in refusal(DataError, read_rows, write(tmp_path / name, ""))


def test_format_wins_over_the_suffix(tmp_path: Path) -> None:
    source = write(tmp_path / "x.json", "a\tb\n1\t2\n")
    assert values(source, format="tsv") == [{"a": "1", "b": "2"}]
    assert values(write(tmp_path / "y.iob2", "a,b\n1,2\n"), text_format="csv") == [{"a": "1", "b": "2"}]
    message = refusal(SourceError, read_rows, source, format="jsno")
    assert "did you mean 'json'" in message
    assert "parquet" in message


def test_a_missing_file_is_told_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "corpus" / "train.conll", "a O")
    message = refusal(SourceError, read_rows, f"file:{tmp_path}/corpus/trian.conll")
    assert "no 'trian.conll'" in message
    assert "did you mean 'train.conll'" in message
    assert "did you mean 'corpus'" in refusal(SourceError, read_rows, f"file:{tmp_path}/copus/train.conll")
    monkeypatch.chdir(tmp_path)
    assert "no 'copus' in the working directory" in refusal(SourceError, read_rows, "file:copus/train.conll")
    assert "a file, not a folder" in refusal(SourceError, read_rows, "file:corpus/train.conll/x")
    assert len(read_rows("file:corpus/train.conll").rows) == 1


def test_a_folder_and_its_parts(tmp_path: Path) -> None:
    write(tmp_path / "eng.train", "a O")
    write(tmp_path / "more" / "eng.testa", "b O\nc O")
    write(tmp_path / ".hidden", "x")
    source = f"file:{tmp_path}"
    assert parts(source) == ["eng.train", "more/eng.testa"]
    row = read_rows(source, "more/eng.testa").rows[0]
    assert (row.values["0"], row.where) == (["b", "c"], "more/eng.testa:1")
    assert "it has eng.train, more/eng.testa" in refusal(SourceError, read_rows, source)
    assert "did you mean 'eng.train'" in refusal(SourceError, read_rows, source, "eng.trian")
    for outside in ("../x", "/etc/passwd"):
        assert "inside the source" in refusal(SourceError, read_rows, source, outside)


def test_the_only_data_file_needs_no_part(tmp_path: Path) -> None:
    write(tmp_path / "README.md", "about")
    write(tmp_path / "data.jsonl", '{"a": 1}')
    assert values(f"file:{tmp_path}") == [{"a": 1}]
    assert parts(f"file:{tmp_path}/data.jsonl") == ["data.jsonl"]
    assert values(f"file:{tmp_path}/data.jsonl", "data.jsonl") == [{"a": 1}]
    assert "a single file" in refusal(SourceError, read_rows, f"file:{tmp_path}/data.jsonl", "train")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "it has nothing" in refusal(SourceError, read_rows, f"file:{tmp_path}")


def test_sha256_of_a_file(tmp_path: Path) -> None:
    source = write(tmp_path / "x.csv", "a\n1\n")
    digest = hashlib.sha256(b"a\n1\n").hexdigest()
    assert values(source, sha256=f"sha256:{digest.upper()}") == [{"a": "1"}]
    assert locate(source, sha256=digest) == tmp_path / "x.csv"
    message = refusal(SourceError, read_rows, source, sha256="0" * 64)
    assert digest in message
    assert "0" * 64 in message
    assert "64 hex digits" in refusal(SourceError, read_rows, source, sha256="12ab")


FEATURES = {
    "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
    "tags": {"feature": {"names": ["O", "B"], "_type": "ClassLabel"}, "_type": "List"},
    "old": [{"names": ["O", "B"], "_type": "ClassLabel"}],
    "structs": {"feature": {"y": {"names": ["n", "y"], "_type": "ClassLabel"}}, "_type": "Sequence"},
    "records": {"feature": {"y": {"names": ["n", "y"], "_type": "ClassLabel"}}, "_type": "List"},
    "number": {"dtype": "int64", "_type": "Value"},
}


def parquet_file(path: Path, columns: dict[str, list[Any]]) -> str:
    metadata = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    parquet.write_table(pa.table(columns).replace_schema_metadata(metadata), path)
    return f"file:{path}"


def test_parquet_labels_become_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "year=2020"  # must not become a column
    folder.mkdir()
    source = parquet_file(
        folder / "x.parquet",
        {
            "label": [1, -1, None],
            "tags": [[0, 1], [], None],
            "old": [[1], [0], None],
            "structs": [{"y": [1, 0]}, {"y": []}, None],
            "records": [[{"y": 1, "z": 1}], [], None],
            "number": [1, 0, 1],
        },
    )
    rows = read_rows(source)
    assert rows.columns == tuple(FEATURES)
    assert rows.rows[0].values == {
        "label": "pos",
        "tags": ["O", "B"],
        "old": ["B"],
        "structs": {"y": ["y", "n"]},
        "records": [{"y": "y", "z": 1}],
        "number": 1,
    }
    assert [row.values["label"] for row in rows.rows] == ["pos", None, None]
    assert [row.values["tags"] for row in rows.rows] == [["O", "B"], [], None]
    assert rows.rows[2].where == "x.parquet:3"


@pytest.mark.parametrize("label", [2, -2])
def test_a_label_without_a_name_is_refused(tmp_path: Path, label: int) -> None:
    source = parquet_file(tmp_path / "x.parquet", {"label": [0, label]})
    assert "column 'label'" in refusal(DataError, read_rows, source)


def test_plain_parquet(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), tmp_path / "x.parquet")
    (tmp_path / "x.parquet.gz").write_bytes(gzip.compress((tmp_path / "x.parquet").read_bytes()))
    expected = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert values(f"file:{tmp_path}", "x.parquet") == values(f"file:{tmp_path}", "x.parquet.gz") == expected


def test_locate_refuses_pickled_weights(tmp_path: Path) -> None:
    source = write(tmp_path / "config.json", "{}").removesuffix("/config.json")
    assert locate(source) == tmp_path
    assert "no *.safetensors" in refusal(SourceError, check_weights, tmp_path)
    write(tmp_path / "pytorch_model.bin", "x")
    for check in (lambda: locate(source), lambda: check_weights(tmp_path)):
        message = refusal(SourceError, check)
        assert "only pickled weights (pytorch_model.bin)" in message
    write(tmp_path / "model.safetensors", "x")
    check_weights(tmp_path)
    assert locate(source) == tmp_path
    assert "not a folder or *.gguf file" in refusal(SourceError, check_weights, tmp_path / "model.safetensors")
    assert "sha256" in refusal(SourceError, locate, source, sha256="0" * 64)
