"""Entities by character offsets: the same words and tags from every tool's layout, and misfitting spans."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from pefbench.errors import DataError
from pefbench.sources.offsets import divide, with_tags
from pefbench.sources.rows import BadRows, Row, Rows
from tests.sources.amounts import files
from tests.sources.refusals import refusal
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Ada King-Noel went to S\u00e3o Paulo, U.S."
WORDS = ["Ada", "King", "-", "Noel", "went", "to", "S\u00e3o", "Paulo", ",", "U", ".", "S", "."]
TAGS = ["B-PER", "I-PER", "I-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O", "B-LOC", "I-LOC", "I-LOC", "I-LOC"]
SPANS: list[Any] = [[0, 13, "PER"], [22, 31, "LOC"], [33, 37, "LOC"]]
OBJECTS = [{"start": start, "end": end, "label": label} for start, end, label in SPANS]
LABELS = [{"start": a, "end": b, "text": TEXT[a:b], "labels": [label]} for a, b, label in SPANS]
OFFSETS = [{"id": 7, "start_offset": start, "end_offset": end, "label": label} for start, end, label in SPANS]
LAYOUTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "doccano": ({"id": 1, "text": TEXT, "label": SPANS}, {}),
    "doccano, labels": ({"text": TEXT, "labels": SPANS[::-1]}, {}),
    "doccano, entities": ({"text": TEXT, "entities": OFFSETS, "relations": []}, {}),
    "spaCy": ([TEXT, {"entities": SPANS}], {}),
    "Prodigy": ({"text": TEXT, "spans": OBJECTS, "tokens": [{"text": "Ada", "start": 0}]}, {}),
    "Label Studio, JSON_MIN": ({"text": TEXT, "label": LABELS}, {}),
    "Label Studio, CSV": ({"text": TEXT, "label": json.dumps(OBJECTS)}, {}),
    "AutoML": (
        {
            "textContent": TEXT,
            "textSegmentAnnotations": [{"startOffset": a, "endOffset": b, "displayName": name} for a, b, name in SPANS],
        },
        {},
    ),
    "LightTag": (
        {
            "content": TEXT,
            "annotations": [{"tag": name, "start": a, "end": b, "value": "..."} for a, b, name in SPANS],
        },
        {},
    ),
    "Ground Truth": (
        {
            "source": TEXT,
            "job": {
                "annotations": {
                    "entities": [{"label": name, "startOffset": a, "endOffset": b} for a, b, name in SPANS],
                    "labels": [{"label": "PER"}, {"label": "LOC"}],
                }
            },
        },
        {"columns": {"tokens": "source", "tags": "job.annotations.entities"}},
    ),
    "own names": ({"body": TEXT, "marks": SPANS}, {"columns": {"tokens": "body", "tags": "marks"}}),
}


def write(folder: Path, *rows: Any) -> dict[str, Any]:
    for split in ("train", "validation", "test"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return {split: f"{split}.jsonl" for split in ("train", "validation", "test")} | {"leaks": "keep"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_words_and_tags(tmp_path: Path, layout: str) -> None:
    row, data = LAYOUTS[layout]
    loaded = load("ner", tmp_path, **write(tmp_path, row), **data)
    [example] = loaded.dataset.splits["test"]
    assert (list(example.tokens), list(example.tags)) == (WORDS, TAGS)
    assert get_entities(TAGS) == [("PER", 0, 3), ("LOC", 6, 7), ("LOC", 9, 12)]
    assert loaded.notes[0].startswith("texts are split into words at white space and punctuation")
    assert not any("job" in note for note in loaded.notes)


def test_a_text_without_entities_and_spaces_at_the_ends_of_one(tmp_path: Path) -> None:
    rows = [{"text": "Nobody came.", "label": []}, {"text": " Bo  ran", "label": [[0, 5, "PER"], [1, 3, "PER"]]}]
    loaded = load("ner", tmp_path, **write(tmp_path, *rows))
    assert [list(example.tags) for example in loaded.dataset.splits["test"]] == [["O", "O", "O"], ["B-PER", "O"]]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 2, "PER"]], "x.jsonl:2: the entity 'Ad' [0, 2] cuts the word 'Ada'"),
        ([[5, 13, "PER"]], "x.jsonl:2: the entity 'ing-Noel' [5, 13] cuts the word 'King'"),
        ([[0, 8, "PER"], [4, 13, "PER"]], "x.jsonl:2: two entities overlap: 'Ada King' [0, 8] and 'King-Noel' [4, 13]"),
        ([[0, 3, "PER"], [0, 3, "LOC"]], "x.jsonl:2: two entities overlap: 'Ada' [0, 3] and 'Ada' [0, 3]"),
        ([[0, 99, "PER"]], "x.jsonl:2: the entity [0, 99, 'PER'] is not in the text of 37 characters"),
        ([[3, 4, "PER"]], "x.jsonl:2: the entity [3, 4, 'PER'] is not in the text of 37 characters"),
        ([[3, 3, "PER"]], "x.jsonl:2: the entity [3, 3, 'PER'] is not in the text of 37 characters"),
        ([["PER", 0, 3]], "x.jsonl:2: an entity should be [start, end, label], got \"['PER', 0, 3]\""),
        ([{"start": 0, "label": "PER"}], "x.jsonl:2: an entity should be [start, end, label]"),
        (["PER"], "x.jsonl:2: an entity should be [start, end, label], got 'PER'"),
    ],
)
def test_a_span_that_does_not_fit_is_a_bad_row(tmp_path: Path, spans: Any, message: str) -> None:
    parts = write(tmp_path, {"text": TEXT, "label": SPANS}, {"text": TEXT, "label": spans})
    said = refusal(DataError, load, "ner", tmp_path, **parts)
    assert said.replace("train", "x").startswith(message)
    skipped = load("ner", tmp_path, on_bad_row="skip", **parts)
    assert len(skipped.dataset.splits["test"]) == 1
    assert len(skipped.skipped) == 3


def test_a_span_whose_text_stands_elsewhere_is_a_bad_row(tmp_path: Path) -> None:
    """So are the offsets of tools that count an emoji as two: they fit other words as well."""
    text = "\U0001f600\U0001f600 a b c"
    spans = [{"start": 5, "end": 6, "label": "X", "text": "a"}]
    message = refusal(DataError, load, "ner", tmp_path, **write(tmp_path, {"text": text, "spans": spans}))
    assert "the entity [5, 6] says that its text is 'a', but the text there is 'b'" in message
    assert "an emoji as one" in message
    lines = "a\nb c"
    for own in ("a\nb", "a\\nb", "a b"):
        spans = [{"start": 0, "end": 3, "label": "X", "text": own}]
        assert load("ner", tmp_path, **write(tmp_path, {"text": lines, "spans": spans}))


def test_words_of_scripts_with_marks_and_without_spaces() -> None:
    texts = {"\u0939\u093f\u0928\u094d\u0926\u0940 cafe\u0301": ["\u0939\u093f\u0928\u094d\u0926\u0940", "cafe\u0301"]}
    texts |= {"\u6771\u4eac a_1": ["\u6771", "\u4eac", "a_1"], "don't": ["don", "'", "t"], "": []}
    assert {text: [text[slice(*word)] for word in divide(text)] for text in texts} == texts


@settings(max_examples=files(100))
@given(st.text())
def test_words_are_all_of_a_text_but_white_space(text: str) -> None:
    assert "".join(text[slice(*word)] for word in divide(text)) == "".join(text.split())


WORD = st.text("abc\u00e9Z9_", min_size=1, max_size=4)
PIECES = st.lists(st.tuples(WORD, st.sampled_from(["", "PER", "LOC"])), min_size=1, max_size=8)
FAULTS: list[Any] = [
    [[0, 0, "X"]],
    [[-1, 2, "X"]],
    [[0, 999, "X"]],
    [["0", 1, "X"]],
    [[0, 1, None]],
    ["X"],
    [[1, [2], "X"]],
]


@settings(max_examples=files(100), deadline=None)
@given(written=st.lists(PIECES, min_size=1, max_size=4), faults=st.lists(st.sampled_from(FAULTS), max_size=2))
def test_every_sound_row_is_read_and_the_others_are_counted(
    written: list[list[tuple[str, str]]], faults: list[Any]
) -> None:
    rows, expected = [], []
    for pieces in written:
        starts = [sum(len(word) + 1 for word, _ in pieces[:at]) for at in range(len(pieces))]
        spans = [[start, start + len(word), tag] for start, (word, tag) in zip(starts, pieces, strict=True) if tag]
        rows.append({"text": " ".join(word for word, _ in pieces), "spans": spans[::-1]})
        expected.append(([word for word, _ in pieces], [f"B-{tag}" if tag else "O" for _, tag in pieces]))
    rows += [{"text": "one two", "spans": fault} for fault in faults]
    table = Rows(("text", "spans"), [Row(row, "x", at) for at, row in enumerate(rows, start=1)])
    bad = BadRows(skip=True)
    read = with_tags(table, {}, bad)
    if not any(isinstance(each, list | dict) for row in rows for each in row["spans"]):
        assert read is table
        return
    assert read.columns == ("tokens", "tags")
    assert [(row.values["tokens"], row.values["tags"]) for row in read.rows] == expected
    assert len(bad.found) == len(faults)
