"""Relations: entities in tags or by offsets, and every sentence in one split."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.heads._labels import LabelAnswers
from pefbench.heads.examples import MarkedExample
from pefbench.registry import find
from pefbench.sources import BadRows, Row
from pefbench.tasks.relation_extraction import TASK, read
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

TAGGED = "The <e1>author</e1> of a <e2>keygen</e2>."
PLAIN = "The author of a keygen."
EXAMPLE = MarkedExample(PLAIN, (4, 10), (16, 22), "Product-Producer(e2,e1)")
NONE = {"first": None, "second": None}


def row(text: Any, label: Any = EXAMPLE.label, **spans: Any) -> Row:
    return Row({"text": text, "label": label, **(NONE | spans)}, "x.jsonl", 7)


def only(wanted: Row, *, skip: bool = False) -> list[MarkedExample]:
    other = row("<e1>a</e1> <e2>b</e2>", "Other")
    return list(read({"train": [other, wanted, row(TAGGED)]}, BadRows(skip=skip)).splits["train"])[1:-1]


def test_entities_stand_in_tags_or_are_given_by_their_characters() -> None:
    assert only(row(TAGGED)) == [EXAMPLE]
    assert only(row(PLAIN, first=[4, 10], second=[16, 22])) == [EXAMPLE]
    assert only(row("<e2>b é</e2> <e1>a</e1>", "Other")) == [MarkedExample("b é a", (4, 5), (0, 3), "Other")]


def test_the_pairs_of_one_sentence_are_a_cluster() -> None:
    other = row("The <e2>author</e2> of a <e1>keygen</e1>.", "Other")
    found = read({"train": [row(TAGGED), other, row("<e1>a</e1> <e2>b</e2>")]}, BadRows()).splits["train"]
    assert LabelAnswers().clusters(found) == [PLAIN, PLAIN, "#2"]
    assert LabelAnswers().clusters(found[1:]) is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (
            row("no entity at all"),
            "should hold each of <e1>, </e1>, <e2>, </e2> once, or have columns",
        ),
        (row("<e1>a</e1> <e1>b</e1> <e2>c</e2>"), "should hold each of"),
        (row("<e1></e1> <e2>c</e2>"), "no words between <e1> and </e1>"),
        (row("</e1>a<e1> <e2>c</e2>"), "no words between <e1> and </e1>"),
        (row("<e1>a <e2>b</e2></e1>"), "the two entities overlap: 'a b', 'b'"),
        (row(PLAIN, first=[4, 10]), "second should be an entity's first character and the one after its last, of 23"),
        (row(PLAIN, first=[4, 10], second=[16, 99]), "second should be an entity's"),
        (row(PLAIN, first=[4, 4], second=[16, 22]), "first should be an entity's"),
        (row(PLAIN, first="4 10", second=[16, 22]), "first should be an entity's"),
        (row(PLAIN, first=[4, 10], second=[9, 12]), "the two entities overlap"),
        (row(None), "text should be a non-empty text"),
        (row(TAGGED, ""), "label is empty"),
    ],
)
def test_a_bad_row_is_named_or_left_out(bad: Row, why: str) -> None:
    with pytest.raises(DataError, match=r"^x\.jsonl:7: ") as caught:
        only(bad)
    assert why in str(caught.value)
    assert only(bad, skip=True) == []


def test_a_relation_that_training_lacks_is_named() -> None:
    train = [row(TAGGED), row("<e1>a</e1> <e2>b</e2>", "Other")]
    with pytest.raises(DataError, match=r"label 'Cause' of the test split is not in train \(train has: Other, Product"):
        read({"train": train, "test": [row(TAGGED, "Cause")]}, BadRows())
    with pytest.raises(DataError, match=r"every training text has the label 'Other'; two are needed"):
        read({"train": train[1:]}, BadRows())


def test_one_sentence_with_other_entities_marked_is_on_the_same_side(tmp_path: Path) -> None:
    rows = [
        {"sentence": tagged, "relation": "Other" if i % 2 else "Cause-Effect(e1,e2)"}
        for i in range(60)
        for tagged in (f"<e1>a{i}</e1> and <e2>b</e2> or c", f"a{i} and <e1>b</e1> or <e2>c</e2>")
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf8")
    loaded = loading.load("relation_extraction", tmp_path / "x.jsonl")
    texts = {split: {example.text for example in members} for split, members in loaded.dataset.splits.items()}
    assert sum(map(len, texts.values())) == 60
    assert sum(map(len, loaded.dataset.splits.values())) == 120


def test_its_baselines_answer_with_labels() -> None:
    train = [EXAMPLE, EXAMPLE, MarkedExample("cat dog", (0, 3), (4, 7), "Other")]
    for name in TASK.baselines:
        assert find("baseline", name)(train, train[:1]) == [EXAMPLE.label]
