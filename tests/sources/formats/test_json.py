"""JSON and JSON lines with faults: every row that is read is right, and the rest is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources.formats.json import read_json
from pefbench.sources.formats.jsonl import read_jsonl
from pefbench.sources.rows import BadRows
from tests.sources.amounts import files
from tests.sources.refusals import refusal

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


@pytest.mark.parametrize("document", [{"rows": ROWS}, {"text": ["a"], "label": []}, {"a": {"text": "a"}}, {}, 1])
def test_what_is_no_table_is_refused(document: Any) -> None:
    assert "neither a list of objects" in refusal(DataError, read_json, json.dumps(document), "x.json", BadRows())


def test_json_lines_are_read_whatever_their_suffix() -> None:
    read = read_json("\n".join(map(json.dumps, ROWS)), "x.json", BadRows())
    assert [(row.line, row.values) for row in read.rows] == [(1, ROWS[0]), (2, ROWS[1])]
    assert read.notes == ("JSON Lines",)
    assert not read_json(json.dumps({"data": ROWS}) + "\n", "x.json", BadRows()).notes
