"""Damaged JSON and JSON Lines: every row that is read is right, and the rest is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError, SourceError
from pefbench.sources import read_rows
from pefbench.sources.formats.json import read_json
from pefbench.sources.formats.jsonl import read_jsonl
from pefbench.sources.rows import BadRows
from tests.sources.amounts import files
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
OBJECTS = st.lists(st.fixed_dictionaries({"text": VALUES}, optional={"label": VALUES}), min_size=1, max_size=6)
BROKEN = ["{", "[1]", "nul", '{"text": }', f'{{"text": {"9" * 5000}}}', "[" * 100_000, '{"a": 1} {"b": 2}', "\x1b[0m"]


@settings(max_examples=files(200))
@given(
    objects=OBJECTS,
    broken=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(BROKEN)), max_size=3),
    end=st.booleans(),
)
def test_good_lines_are_read_and_broken_ones_counted(
    objects: list[dict[str, Any]], broken: list[tuple[int, str]], *, end: bool
) -> None:
    lines: list[str | dict[str, Any]] = [*objects]
    for at, line in broken:
        lines.insert(at, line)
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    bad = BadRows(skip=True)
    read = read_jsonl(("\r\n" if end else "\n").join(written), "x.jsonl", bad)
    assert len(bad.found) == len(broken)
    expected = [(at, line) for at, line in enumerate(lines, start=1) if isinstance(line, dict)]
    assert [row.line for row in read.rows] == [at for at, _ in expected]
    for row, (_, good) in zip(read.rows, expected, strict=True):
        assert row.values == {name: good.get(name) for name in read.columns}
    whole = read_json(json.dumps({"data": objects}), "x.json", BadRows())
    assert [row.values["text"] for row in whole.rows] == [each["text"] for each in objects]


@pytest.mark.parametrize("text", [f"[{'9' * 5000}]", "[" * 100_000, '{"data": ' * 50_000])
def test_numbers_of_thousands_of_digits_and_deep_nesting(text: str) -> None:
    message = refusal(DataError, read_json, text, "x.json", BadRows())
    assert "thousands of digits" in message or "nested too deeply" in message


def test_names_of_columns_are_cleaned_unless_two_become_one() -> None:
    assert read_jsonl('{"text\u00a0": 1, "\ufefflabel": 2}', "x.jsonl", BadRows()).columns == ("text", "label")
    assert read_jsonl('{"text ": 1, "text": 2}', "x.jsonl", BadRows()).columns == ("text ", "text")


ROWS = [{"text": "a", "label": 1}, {"text": "b", "label": 2}]


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"version": 1, "data": ROWS},
        {"text": {"0": "a", "1": "b"}, "label": {"0": 1, "1": 2}},
        {"columns": ["text", "label"], "index": [0, 1], "data": [["a", 1], ["b", 2]]},
        {"0": {"text": "a", "label": 1}, "1": {"text": "b", "label": 2}},
        {"text": ["a", "b"], "label": [1, 2]},
    ],
    ids=["records", "data", "pandas", "pandas split", "pandas index", "lists"],
)
def test_tables_are_read_however_they_are_written(document: Any) -> None:
    read = read_json(json.dumps(document, indent=1), "x.json", BadRows())
    assert [row.values for row in read.rows] == ROWS


@pytest.mark.parametrize(
    "document", [{"rows": ROWS, "more": ROWS[:1]}, {"text": ["a"], "label": []}, {"a": {"text": "a"}}, {}, 1]
)
def test_what_is_no_table_is_refused(document: Any) -> None:
    assert "neither a list of objects" in refusal(DataError, read_json, json.dumps(document), "x.json", BadRows())


def test_json_lines_are_read_whatever_their_suffix() -> None:
    read = read_json("\n".join(map(json.dumps, ROWS)), "x.json", BadRows())
    assert [(row.line, row.values) for row in read.rows] == [(1, ROWS[0]), (2, ROWS[1])]
    assert read.notes == ("JSON Lines",)
    assert not read_json(json.dumps({"data": ROWS}) + "\n", "x.json", BadRows()).notes


@pytest.mark.parametrize(
    "document",
    [
        {"rows": ROWS},
        {"records": ROWS},
        {"total": 2, "examples": ROWS, "meta": {"license": [1]}},
        {"rasa_nlu_data": {"common_examples": ROWS, "regex_features": []}},
        {
            "features": [{"feature_idx": 0, "name": "text"}, {"feature_idx": 1, "name": "label"}],
            "rows": [{"row_idx": at, "row": row, "truncated_cells": []} for at, row in enumerate(ROWS)],
            "num_rows_total": 2,
        },
    ],
)
def test_the_only_list_of_objects_in_an_object_is_its_rows(document: Any) -> None:
    assert [row.values for row in read_json(json.dumps(document), "x.json", BadRows()).rows] == ROWS


def test_texts_with_what_is_said_of_each_are_rows_under_any_key() -> None:
    """So do annotators for spaCy write them, with null for a text that was left out."""
    said = {"entities": [[0, 1, "X"]]}
    document = {"classes": ["X"], "annotations": [["a", said], ["b", {"entities": []}]]}
    read = read_json(json.dumps(document), "x.json", BadRows())
    assert [row.values for row in read.rows] == [{"text": "a", **said}, {"text": "b", "entities": []}]
    bad = BadRows(skip=True)
    assert len(read_json(json.dumps({"annotations": [["a", said], None]}), "x.json", bad).rows) == 1
    assert len(bad.found) == 1


def test_a_list_is_read_also_where_lines_are_expected(tmp_path: Path) -> None:
    for text in (json.dumps(ROWS), json.dumps(ROWS, indent=1), ",\n".join(map(json.dumps, ROWS)).join("[]")):
        (tmp_path / "x.jsonl").write_text(text, encoding="utf8")
        assert [row.values for row in read_rows(f"file:{tmp_path / 'x.jsonl'}").rows] == ROWS


def test_an_object_over_several_lines_is_no_json_lines() -> None:
    text = "\n".join(json.dumps(row, indent=1) for row in ROWS)
    message = refusal(DataError, read_jsonl, text, "x.jsonl", BadRows())
    assert message.startswith("x.jsonl:1: not JSON: ")
    assert message.endswith("; each line should be a whole object")


@pytest.mark.parametrize("document", [{"a": ROWS, "b": [{"x": 1}]}, {"a": {"b": 1}, "c": {"d": ROWS}}, {"a": 1}])
def test_of_two_lists_none_is_taken(document: Any) -> None:
    with pytest.raises(DataError, match="holds neither a list of objects"):
        read_json(json.dumps(document), "x.json", BadRows())


def test_splits_in_one_file_are_named(tmp_path: Path) -> None:
    other = [{"text": "c", "label": 1}]
    (tmp_path / "x.json").write_text(json.dumps({"train": ROWS, "test": other}))
    for source, part in ((f"file:{tmp_path}", "x.json#test"), (f"file:{tmp_path}/x.json", "test")):
        found = read_rows(source, part)
        assert [(row.values, row.where) for row in found.rows] == [(other[0], "x.json#test:1")]
    expected = r"^x\.json: has a list of rows for each split; name one of test, train, as in data\.train=x\.json#train$"
    with pytest.raises(SourceError, match=expected):
        read_rows(f"file:{tmp_path}/x.json")
    with pytest.raises(SourceError, match=r"has no split 'dev'; name one of test, train"):
        read_rows(f"file:{tmp_path}/x.json", "dev")
    (tmp_path / "y.json").write_text(json.dumps(ROWS))
    with pytest.raises(SourceError, match="is a single file and has no part 'test'"):
        read_rows(f"file:{tmp_path}/y.json", "test")


def test_the_tables_of_an_export_of_phpmyadmin(tmp_path: Path) -> None:
    head = [{"type": "header", "version": "5.2", "comment": "Export to JSON"}, {"type": "database", "name": "shop"}]
    reviews = {"type": "table", "name": "reviews", "database": "shop", "data": [{"id": "1", "text": "Bad, broke"}]}
    (tmp_path / "x.json").write_text(json.dumps([*head, reviews]), encoding="utf-8")
    found = read_rows(f"file:{tmp_path}/x.json")
    assert found.columns == ("id", "text")
    assert [(row.values, row.line) for row in found.rows] == [({"id": "1", "text": "Bad, broke"}, 1)]
    users = {"type": "table", "name": "users", "database": "shop", "data": [{"name": "Ada"}]}
    (tmp_path / "x.json").write_text(json.dumps([*head, reviews, users]), encoding="utf-8")
    with pytest.raises(SourceError, match=r"name one of reviews, users, as in data\.train=x\.json#reviews$"):
        read_rows(f"file:{tmp_path}/x.json")
    assert [row.values for row in read_rows(f"file:{tmp_path}", "x.json#users").rows] == [{"name": "Ada"}]


def test_columns_of_objects_are_no_splits() -> None:
    columns = {"chosen": [{"role": "a"}, {"role": "b"}], "rejected": [{"role": "c"}, {"role": "d"}]}
    found = read_json(json.dumps(columns), "x.json", BadRows())
    assert found.columns == ("chosen", "rejected")
