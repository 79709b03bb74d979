"""Rows that belong together: one split, one cluster, in every task."""

from __future__ import annotations

import csv
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError, RecipeError
from pefbench.heads._labels import LabelAnswers
from pefbench.recipe import resolve
from pefbench.registry import names
from pefbench.remarks import Odd
from pefbench.sources import BadRows, Row, Rows
from pefbench.trial import groups
from tests.tasks.loading import load
from tests.worlds import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pefbench.trial.corpus import Corpus

AUTHORS = 30


def of_text(i: int) -> dict[str, Any]:
    return {"text": f"text number {i}", "label": "ab"[i % 2]}


def of_pair(i: int) -> dict[str, Any]:
    return {"sentence1": f"one {i}", "sentence2": f"other {i}", "label": i % 2}


def of_answer(i: int) -> dict[str, Any]:
    answers = {"text": [str(i)], "answer_start": [3]}
    return {"question": f"What is it, {i}?", "context": f"No {i} is here.", "answers": answers}


ROWS: dict[str, Callable[[int], dict[str, Any]]] = {
    "acceptability": of_text,
    "code_generation": lambda i: {
        "prompt": f'def f{i}():\n    """Return {i}."""\n',
        "canonical_solution": f"    return {i}\n",
        "test": f"assert f{i}() == {i}",
    },
    "commonsense": lambda i: {"question": f"What is {i}?", "choices": [f"{i} a", f"{i} b"], "label": i % 2},
    "controllable_generation": of_text,
    "data_augmentation": of_text,
    "dialogue": lambda i: {"prompt": f"Who is {i}?", "completion": f"I am {i}."},
    "essay_scoring": lambda i: {"text": f"An essay about {i}.", "score": i % 5},
    "financial_sentiment": of_text,
    "intent": of_text,
    "math_reasoning": lambda i: {"question": f"What is {i}?", "solution": f"The answer is: {i}"},
    "medical_qa": lambda i: {"question": f"Is {i}?", "context": f"It is {i}.", "answer": ("yes", "no")[i % 2]},
    "multi_label_classification": lambda i: {"text": f"text {i}", "labels": [["a"], ["a", "b"]][i % 2]},
    "natural_language_inference": of_pair,
    "ner": lambda i: {"tokens": ["Anna", f"saw{i}"], "ner_tags": ["B-PER", "O"]},
    "paraphrase": of_pair,
    "question_answering": of_answer,
    "recommendation": lambda i: {"user": f"u{i}", "history": [f"title {i * 7 % 31 + k}" for k in range(6)]},
    "relation_extraction": lambda i: {
        "text": f"Ada met Bob {i}",
        "first": [0, 3],
        "second": [8, 11],
        "label": "ab"[i % 2],
    },
    "reply_selection": lambda i: {"question": f"Who is {i}?", "reply": f"I am {i}."},
    "semantic_similarity": lambda i: of_pair(i) | {"label": i / 7},
    "sentiment": of_text,
    "summarization": lambda i: {"document": f"It counts {i}. Stop.", "summary": f"Count {i}."},
    "token_classification": lambda i: {"tokens": ["Anna", f"saw{i}"], "pos_tags": ["NOUN", "VERB"]},
    "topic": of_text,
    "translation": lambda i: {"source": f"good day {i}", "target": f"guten Tag {i}"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "data_augmentation": {"per_class": 3},
    "recommendation": {"candidates": 3, "train_candidates": 3},
    "reply_selection": {"candidates": 3},
}
SPLIT_BY_TIME = ("recommendation",)


def write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    if file.suffix == ".csv":
        with file.open("w", newline="", encoding="utf8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return file


def by_author(task: str, file: Path, authors: int = AUTHORS) -> Path:
    """Write a file with six rows of each author, not one after the other."""
    return write(file, [ROWS[task](i) | {"author": f"author {i % authors}"} for i in range(6 * authors)])


def groups_of(corpus: Corpus) -> dict[str, set[str]]:
    return {split: {example.group for example in examples} for split, examples in corpus.dataset.splits.items()}


def warnings(corpus: Corpus) -> list[str]:
    return [note for note in corpus.notes if isinstance(note, Odd)]


@pytest.mark.parametrize("task", names("task"))
def test_in_every_task_a_group_is_in_one_split_and_is_one_cluster(task: str, tmp_path: Path) -> None:
    file = by_author(task, tmp_path / "x.jsonl")
    corpus = load(task, file, OPTIONS.get(task), group="author", leaks="keep")
    found = groups_of(corpus)
    assert all(found.values())
    assert "" not in set().union(*found.values())
    if task not in SPLIT_BY_TIME:
        assert sum(map(len, found.values())) == len(set().union(*found.values()))
        assert not warnings(corpus)
    test = corpus.dataset.splits["test"]
    clusters = LabelAnswers().clusters(test)
    assert clusters is not None
    assert len(set(clusters)) <= len(found["test"])
    for example, cluster in zip(test, clusters, strict=True):
        alike = {other for each, other in zip(test, clusters, strict=True) if each.group == example.group}
        assert alike == {cluster}
    assert not any("not read" in note and "author" in note for note in corpus.notes)


@pytest.mark.parametrize("task", ["topic", "ner", "question_answering"])
def test_without_the_field_nothing_changes(task: str, tmp_path: Path) -> None:
    rows = [ROWS[task](i) for i in range(60)]
    plain, beside = write(tmp_path / "a.jsonl", rows), tmp_path / "b.jsonl"
    write(beside, [row | {"author": i % 7} for i, row in enumerate(rows)])
    assert load(task, plain).fingerprint == load(task, beside).fingerprint
    assert load(task, beside, group="author").fingerprint != load(task, beside).fingerprint


def test_the_field_is_part_of_a_recipe_only_if_it_is_there() -> None:
    raw = {"task": "topic", "data": {"source": "file:x"}, "method": {"name": "full"}}
    assert "group" not in resolve(raw, name="r").resolved()["data"]
    raw["data"] = {"source": "file:x", "group": "author"}
    assert resolve(raw, name="r").resolved()["data"]["group"] == "author"


@pytest.mark.parametrize("wrong", [["author"], 1.5, True, {"a": "b"}])
def test_other_than_one_column_is_refused(wrong: object) -> None:
    raw = {"task": "topic", "data": {"source": "file:x", "group": wrong}, "method": {"name": "full"}}
    with pytest.raises(RecipeError, match=r"^data\.group: should be one column's name, or its number from 0, got "):
        resolve(raw, name="r")


def test_groups_are_in_the_fingerprint(tmp_path: Path) -> None:
    """Files name the splits, so only the clusters differ."""
    named: dict[str, Any] = {"train": "train.csv", "validation": "test.csv", "test": "test.csv", "leaks": "keep"}
    prints = set()
    for size in (3, 4):
        for split, first in (("train", 0), ("test", 60)):
            rows = [of_text(first + i) | {"author": f"{split} {i // size}"} for i in range(60)]
            write(tmp_path / f"{split}.csv", rows)
        prints |= {load("topic", tmp_path, group=group, **named).fingerprint for group in ("author", None)}
    assert len(prints) == 3


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = by_author("topic", tmp_path / "x.csv")
    with pytest.raises(
        DataError, match=r"^x\.csv: data\.group: no column 'writer'; the columns are: text, label, author$"
    ):
        load("topic", file, group="writer")


def test_a_column_that_one_part_lacks_is_refused(tmp_path: Path) -> None:
    by_author("topic", tmp_path / "train.csv")
    write(tmp_path / "test.csv", [of_text(i) for i in range(200, 220)])
    with pytest.raises(DataError, match=r"^test\.csv: data\.group: no column 'author'; the columns are: text, label$"):
        load("topic", tmp_path, train="train.csv", test="test.csv", group="author")


def test_a_value_that_all_rows_share_is_refused(tmp_path: Path) -> None:
    file = by_author("topic", tmp_path / "x.csv", authors=1)
    with pytest.raises(
        DataError, match=r"^data\.group: 'author' is 'author 0' in every row; it should tell rows apart$"
    ):
        load("topic", file, group="author")


def test_a_column_without_values_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", [of_text(i) | {"author": " "} for i in range(9)])
    with pytest.raises(DataError, match=r"^data\.group: 'author' is empty in every row$"):
        load("topic", file, group="author")


def test_values_that_all_differ_are_noted(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", [of_text(i) | {"id": i} for i in range(90)])
    corpus = load("topic", file, group="id")
    assert "data.group: 'id' is different in every row, so that no rows belong together" in corpus.notes


def test_fewer_groups_than_splits_are_refused_with_the_reason(tmp_path: Path) -> None:
    file = by_author("topic", tmp_path / "x.csv", authors=2)
    with pytest.raises(
        DataError, match=r"split is empty \(.*\); rows with the same 'author' stay together, and it has only 2 v"
    ):
        load("topic", file, group="author")


@pytest.mark.parametrize("authors", [3, 5, 7])
def test_a_few_groups_reach_every_split(authors: int, tmp_path: Path) -> None:
    corpus = load("topic", by_author("topic", tmp_path / "x.csv", authors), group="author")
    assert sorted(set().union(*groups_of(corpus).values())) == sorted(f"author {i}" for i in range(authors))
    assert all(groups_of(corpus).values())


def test_rows_without_a_value_are_groups_of_their_own(tmp_path: Path) -> None:
    rows = [of_text(i) | {"author": f"author {i % 10}" if i % 3 else ""} for i in range(300)]
    corpus = load("topic", write(tmp_path / "x.csv", rows), group="author")
    assert "100 rows without 'author', each a group of its own" in corpus.notes
    alone = Counter(
        split for split, examples in corpus.dataset.splits.items() for example in examples if not example.group
    )
    assert len(alone) == 3
    clusters = LabelAnswers().clusters(corpus.dataset.splits["test"])
    assert clusters is not None
    own = [name for name, each in zip(clusters, corpus.dataset.splits["test"], strict=True) if not each.group]
    assert len({*own}) == len(own) == alone["test"]


def test_a_group_in_two_given_splits_is_warned_of(tmp_path: Path) -> None:
    rows = [of_text(i) | {"author": f"author {i // 6}"} for i in range(60)]
    write(tmp_path / "train.csv", rows[:39])
    write(tmp_path / "dev.csv", rows[39:50])
    write(tmp_path / "test.csv", rows[50:])
    corpus = load("topic", tmp_path, train="train.csv", validation="dev.csv", test="test.csv", group="author")
    (told,) = warnings(corpus)
    assert told == (
        "data.group: 2 of 10 values of 'author' are in more than one split, such as 'author 6' (train.csv:38 and "
        "dev.csv:2); scores may be higher than on other groups"
    )
    assert "groups of rows, by 'author': train 7, validation 3, test 2" in corpus.notes


def test_a_tenth_of_given_training_rows_keeps_groups_whole(tmp_path: Path) -> None:
    rows = [of_text(i) | {"author": f"author {i % 20}"} for i in range(120)]
    write(tmp_path / "train.csv", rows)
    write(tmp_path / "test.csv", [of_text(i) | {"author": "another"} for i in range(200, 220)])
    corpus = load("topic", tmp_path, train="train.csv", test="test.csv", group="author")
    found = groups_of(corpus)
    assert not found["train"] & found["validation"]
    assert len(found["train"] | found["validation"]) == 20


def test_a_log_that_is_split_by_time_is_warned_of(tmp_path: Path) -> None:
    corpus = load(
        "recommendation", by_author("recommendation", tmp_path / "x.jsonl"), OPTIONS["recommendation"], group="author"
    )
    assert [note[:69] for note in warnings(corpus)] == [
        "data.group: 30 of 30 values of 'author' are in more than one split, s"
    ]


def test_a_nested_field(tmp_path: Path) -> None:
    rows = [of_text(i) | {"meta": {"author": i % 12, "year": 1}} for i in range(72)]
    corpus = load("topic", write(tmp_path / "x.jsonl", rows), group="meta.author")
    assert set().union(*groups_of(corpus).values()) == {str(i) for i in range(12)}


@pytest.mark.parametrize("odd", [["a", "b"], {"a": 1}, [["a"]]])
def test_a_cell_with_several_values_is_a_bad_row(odd: object, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [of_text(i) | {"author": f"author {i % 9}"} for i in range(90)]
    rows[4]["author"] = odd
    file = write(tmp_path / "x.jsonl", rows)
    with pytest.raises(
        DataError, match=r"^x\.jsonl:5: 'author', the group, should be one name or number, got .*bad rows out$"
    ):
        load("topic", file, group="author")
    assert len(load("topic", file, group="author", on_bad_row="skip").skipped) == 1


def test_a_whole_number_is_one_value_however_it_is_written() -> None:
    rows = [of_text(i) | {"author": [7, 7.0, "7", " 7 ", 8][i % 5]} for i in range(50)]
    table = Rows(("text", "label", "author"), [Row(row, "x", i) for i, row in enumerate(rows)])
    found, column = groups.grouped(table, "author", BadRows())
    assert column == "author"
    assert {row.group for row in found.rows} == {"7", "8"}


def test_a_boolean_is_one_value_however_it_is_written() -> None:
    written = [True, "true", "True", False, "false", "False"]
    table = Rows(("text", "author"), [Row({"text": "a", "author": each}, "x", 1) for each in written])
    found, _ = groups.grouped(table, "author", BadRows())
    assert [row.group for row in found.rows] == ["true"] * 3 + ["false"] * 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7", "7.0"),
        ("-7.0", "-7"),
        ("Jos\u00e9", "Jose\u0301"),
        ("ward\u00a07", "ward  7"),
        ("A", "\u200bA"),
    ],
)
def test_a_group_written_in_two_ways_is_warned_of(one: str, other: str, tmp_path: Path) -> None:
    for split, group, first in (("train", one, 0), ("test", other, 60)):
        rows = [of_text(first + i) | {"author": f"{split} {i % 9}" if i % 9 else group} for i in range(60)]
        write(tmp_path / f"{split}.csv", rows)
    (told,) = warnings(load("topic", tmp_path, train="train.csv", test="test.csv", group="author"))
    assert told.startswith("data.group: 1 of 17 values of 'author' are in more than one split")


@pytest.mark.parametrize("different", [("7.5", "7"), ("v7.0", "v7"), ("1.7.0", "1.7"), ("A", "a"), ("C", "C#")])
def test_groups_that_differ_stay_different(different: tuple[str, str]) -> None:
    table = Rows(("author",), [Row({"author": each}, "x", 1) for each in different])
    assert {row.group for row in groups.grouped(table, "author", BadRows())[0].rows} == {*different}


def test_a_column_whose_name_is_a_number(tmp_path: Path) -> None:
    file = write(tmp_path / "x.jsonl", [of_text(i) | {"2024": f"p{i % 9}"} for i in range(60)])
    assert len(set().union(*groups_of(load("topic", file, group=2024)).values())) == 9
    with pytest.raises(DataError, match=r"data\.group: no column 2; the columns are: text, label, 2024$"):
        load("topic", file, group=2)


def test_groups_with_the_same_hash_are_said_to_be_few(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", [of_text(i) | {"author": ("C", "C#", "C++")[i % 3]} for i in range(60)])
    with pytest.raises(DataError, match=r"\); rows .* it has only 1 value, but for case and punctuation$"):
        load("topic", file, group="author")


def test_groups_are_counted_before_duplicates_are_dropped(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", [of_text(i % 9) | {"author": f"author {i % 8}"} for i in range(120)])
    with pytest.raises(DataError, match=r"the train split is empty .*left out: 75$"):
        load("topic", file, group="author")


def test_documents_of_a_conll_file(tmp_path: Path) -> None:
    tagged = sentences(80, seed=3)
    blocks = [
        ("-DOCSTART- O\n\n" if at % 4 == 0 else "") + "".join(f"{word} {tag}\n" for word, tag in words)
        for at, words in enumerate(tagged)
    ]
    file = tmp_path / "x.conll"
    file.write_text("\n".join(blocks), encoding="utf8")
    corpus = load("ner", file, group="document")
    sizes = Counter(example.group for examples in corpus.dataset.splits.values() for example in examples)
    assert set(sizes.values()) == {4}
    assert sum(map(len, groups_of(corpus).values())) == len(sizes) == 20
    with pytest.raises(DataError, match=r"the columns are: 0, 1, and document for the documents that it marks$"):
        load("ner", file, group="doc")


def test_a_conll_file_without_documents_has_none(tmp_path: Path) -> None:
    file = tmp_path / "x.conll"
    file.write_text("Anna B-PER\n\nBob B-PER\n", encoding="utf8")
    with pytest.raises(DataError, match=r"^x\.conll: data\.group: no column 'document'; the columns are: 0, 1$"):
        load("ner", file, group="document")


def test_a_column_of_a_conll_file_that_repeats_the_document(tmp_path: Path) -> None:
    tagged = sentences(60, seed=3)
    blocks = ["".join(f"doc{at // 5} {word} {tag}\n" for word, tag in words) for at, words in enumerate(tagged)]
    file = tmp_path / "x.conll"
    file.write_text("\n".join(blocks), encoding="utf8")
    corpus = load("ner", file, group=0, columns={"tokens": 1})
    assert len(set().union(*groups_of(corpus).values())) == 12


def test_a_table_with_a_word_on_each_row_fills_groups_downwards(tmp_path: Path) -> None:
    rows = []
    for at, words in enumerate(sentences(60, seed=3)):
        for place, (word, tag) in enumerate(words):
            # the sentences are numbered from 0 in each chapter, which only its first word names
            begins = at % 6 == place == 0
            rows.append(
                {
                    "chapter": f"c{at // 6}" if begins else "",
                    "Sentence #": at % 6 if place == 0 else "",
                    "Word": word,
                    "Tag": tag,
                }
            )
    corpus = load("ner", write(tmp_path / "x.csv", rows), group="chapter")
    sizes = Counter(example.group for examples in corpus.dataset.splits.values() for example in examples)
    assert sizes == {f"c{i}": 6 for i in range(10)}


def test_squads_titles(tmp_path: Path) -> None:
    def article(i: int) -> dict[str, Any]:
        context = f"No {i} is here."
        answer = {"text": str(i), "answer_start": 3}
        asked = [{"id": f"{i} {k}", "question": f"What is it, {i} {k}?", "answers": [answer]} for k in range(3)]
        return {"title": f"{' ' * (i % 2)}Title {i // 2}", "paragraphs": [{"context": context, "qas": asked}]}

    file = tmp_path / "x.json"
    file.write_text(json.dumps({"data": [article(i) for i in range(40)]}), encoding="utf8")
    corpus = load("question_answering", file, group="document")
    found = groups_of(corpus)
    assert sum(map(len, found.values())) == 20
    test = corpus.dataset.splits["test"]
    clusters = LabelAnswers().clusters(test)
    assert clusters is not None
    assert len(set(clusters)) == len(found["test"]) < len({example.context for example in test})


def test_meanings_join_the_groups_of_their_texts(tmp_path: Path) -> None:
    rows = [
        {"mr": f"name[{i // 2}]", "ref": f"It is {i}.", "worker": f"w{(i + 1) // 2}"} for i in range(8)
    ]  # each meaning has texts of two workers, and each worker but the first and last texts of two meanings
    for split in ("train", "test"):
        write(tmp_path / f"{split}.csv", rows)
    corpus = load(
        "controllable_generation",
        tmp_path,
        train="train.csv",
        validation="test.csv",
        test="test.csv",
        group="worker",
        leaks="keep",
    )
    test = corpus.dataset.splits["test"]
    assert len(test) == 4
    assert len({*(LabelAnswers().clusters(test) or ())}) == 1


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.sampled_from(["train", "validation", "test"])),
        min_size=2,
        max_size=10,
    )
)
def test_the_warning_counts_the_groups_in_several_splits(placed: list[tuple[str, str]]) -> None:
    splits: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for line, (group, split) in enumerate(placed, start=1):
        splits[split].append(Row({}, "x", line, group=group))
    there = {group: {split for other, split in placed if other == group} for group, _ in placed if group}
    counts = Counter(group for group, _ in placed if group)
    several = sum(len(found) > 1 for found in there.values())
    if not counts or (len(counts) == 1 and counts.total() == len(placed)):
        with pytest.raises(DataError):
            groups.notes(splits, "author")
        return
    told = [note for note in groups.notes(splits, "author") if isinstance(note, Odd)]
    assert len(told) == bool(several)
    assert not several or told[0].startswith(f"data.group: {several} of {len(there)} values of 'author' are in more")
