"""brat's folders as tasks read them: words with tags for entities, one example per relation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pefbench.recipe import resolve
from pefbench.sources import Row
from pefbench.sources.rows import Rows
from pefbench.tasks.reading import related
from pefbench.trial import corpus
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Ada went to Oslo.\nBob met Ada in Rome.\nNobody came.\n"
ANN = (
    "T1\tPER 0 3\tAda\nT2\tLOC 12 16\tOslo\nT3\tPER 18 21\tBob\nT4\tPER 26 29\tAda\nT5\tLOC 33 37\tRome\n"
    "R1\tWent Arg1:T1 Arg2:T2\nR2\tMet Arg1:T3 Arg2:T4\nR3\tIn Arg1:T4 Arg2:T5\n"
)


def loaded(folder: Path, task: str) -> corpus.Corpus:
    for split in ("train", "dev", "test"):
        (folder / split).mkdir()
        (folder / split / "a.txt").write_text(TEXT)
        (folder / split / "a.ann").write_text(ANN)
    parts = {"train": "train", "validation": "dev", "test": "test", "leaks": "keep"}
    data = {"source": f"file:{folder}", **parts}
    return corpus.load(resolve({"task": task, "data": data, "method": {"name": "lora"}}, name="r"))


def test_entities_become_words_with_tags(tmp_path: Path) -> None:
    found = loaded(tmp_path, "ner")
    assert [(example.tokens, example.tags) for example in found.dataset.splits["test"]] == [
        (("Ada", "went", "to", "Oslo", "."), ("B-PER", "O", "O", "B-LOC", "O")),
        (("Bob", "met", "Ada", "in", "Rome", "."), ("B-PER", "O", "B-PER", "O", "B-LOC", "O")),
        (("Nobody", "came", "."), ("O", "O", "O")),
    ]
    assert "columns not read: relations" in found.notes


def test_each_relation_is_an_example(tmp_path: Path) -> None:
    found = loaded(tmp_path, "relation_extraction")
    assert [(each.text, each.first, each.second, each.label) for each in found.dataset.splits["test"]] == [
        ("Ada went to Oslo.", (0, 3), (12, 16), "Went"),
        ("Bob met Ada in Rome.", (0, 3), (8, 11), "Met"),
        ("Bob met Ada in Rome.", (8, 11), (15, 19), "In"),
    ]
    assert not any(note.startswith("columns not read") for note in found.notes)


WORDS = ["Ada", "King", ",", "of", "Ockham", "wrote"]


def words(start: object = 0, token: object = WORDS) -> Row:
    ends = {"subj_start": start, "subj_end": 1, "obj_start": 4, "obj_end": 4}
    return Row({"id": "x", "relation": "per:city", "token": token, **ends, "subj_type": "PERSON"}, "f", 1)


def test_tacred_counts_the_words_of_its_entities() -> None:
    first = words()
    table = related.per_relation(Rows(tuple(first.values), [first]), {})
    assert table.columns == ("id", "relation", "subj_type", "text", "first", "second")
    [row] = table.rows
    assert row.values["text"] == "Ada King , of Ockham wrote"
    assert (row.values["first"], row.values["second"]) == ([0, 8], [14, 20])
    assert table.notes == ("texts are the words with spaces between them",)


@pytest.mark.parametrize(
    "row", [words(2), words(9), words("0"), words(-1), words(None), words(0, None), words(0, ["a", 1])]
)
def test_an_entity_that_is_not_in_its_words_is_a_bad_row(tmp_path: Path, row: Row) -> None:
    sound = [{**words().values, "token": [*WORDS, str(at)], "relation": "ab"[at % 2]} for at in range(40)]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, [*sound, row.values])))
    skipped = load("relation_extraction", tmp_path / "x.jsonl", on_bad_row="skip", unseen_labels="count")
    assert sum(map(len, skipped.dataset.splits.values())) == 40
    assert len(skipped.skipped) == 1
    assert skipped.skipped[0].startswith("x.jsonl:41: ")


def test_other_tables_stay() -> None:
    rows = [Row({"text": "a", "relations": ["x"]}, "f", 1)]
    table = Rows(("text", "relations"), rows)
    assert related.per_relation(table, {}) is table
    assert related.per_relation(Rows(("text",), []), {}).columns == ("text",)
    rows = [Row({"text": "a", "relations": []}, "f", 1)]
    named = Rows(("text", "relations"), rows)
    assert related.per_relation(named, {"label": "x"}) is named
