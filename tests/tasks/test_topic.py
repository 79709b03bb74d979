"""Topic classification: the same examples from every format, labels from the training split."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from transformers import BertConfig

from pefbench import registry
from pefbench.errors import DataError
from pefbench.recipe import load_recipe
from pefbench.trial import corpus
from tests.tasks import loading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pefbench.trial.corpus import Corpus
    from tests.worlds import World

    Labelled = Sequence[tuple[str, str]]

NAMES = ["ABBR", "DESC", "NUM"]
QUESTIONS = [(f"What is question {i} about , José ?", NAMES[i % 3]) for i in range(60)]
SPLITS = {"train": QUESTIONS[:40], "validation": QUESTIONS[40:50], "test": QUESTIONS[50:]}


def write_trec(file: Path, rows: Labelled) -> None:
    file.write_text("".join(f"{label}:sub {text}\n" for text, label in rows), encoding="utf8")


def write_jsonl(file: Path, rows: Labelled) -> None:
    file.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows), encoding="utf8")


def write_csv(file: Path, rows: Labelled) -> None:
    with file.open("w", newline="", encoding="utf8") as stream:
        writer = csv.writer(stream, delimiter="\t" if file.suffix == ".tsv" else ",")
        writer.writerows([("category", "question"), *((label, text) for text, label in rows)])


def write_parquet(file: Path, rows: Labelled, names: list[str] | None = NAMES) -> None:
    """Write labels as numbers: class labels with their names in the metadata, as `datasets` does, or without."""
    import datasets

    kind = datasets.ClassLabel(names=names) if names else datasets.Value("int64")
    values = [{"text": text, "label": NAMES.index(label)} for text, label in rows]
    features = datasets.Features(text=datasets.Value("string"), label=kind)
    datasets.Dataset.from_list(values, features=features).to_parquet(file)


WRITERS: dict[str, Callable[[Path, Labelled], None]] = {
    "label": write_trec,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "tsv": write_csv,
    "parquet": write_parquet,
}


def load(world: World, source: str, *overrides: str) -> Corpus:
    return corpus.load(load_recipe(world.recipe("topic", task="topic"), [f"data.source={source}", *overrides]))


def parts(suffix: str) -> list[str]:
    return [f"data.{split}={split}.{suffix}" for split in SPLITS]


def read(loaded: Corpus) -> dict[str, list[tuple[str, str]]]:
    return {
        split: [(example.text, example.label) for example in examples]
        for split, examples in loaded.dataset.splits.items()
    }


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_examples(world: World, tmp_path: Path, suffix: str) -> None:
    for split, rows in SPLITS.items():
        WRITERS[suffix](tmp_path / f"{split}.{suffix}", rows)
    loaded = load(world, f"file:{tmp_path}", *parts(suffix))
    assert read(loaded) == {split: list(rows) for split, rows in SPLITS.items()}
    assert loaded.dataset.head(BertConfig()).labels == NAMES


def test_the_fine_labels_are_a_column_of_their_own(world: World, tmp_path: Path) -> None:
    write_trec(tmp_path / "x.txt", QUESTIONS)
    loaded = load(world, f"file:{tmp_path / 'x.txt'}", "data.columns.label=fine_label")
    assert loaded.dataset.head(BertConfig()).labels == ["ABBR:sub", "DESC:sub", "NUM:sub"]


def test_the_encoding_is_the_recipe_s(world: World, tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    write_trec(file, QUESTIONS)
    file.write_bytes(file.read_text(encoding="utf8").encode("latin-1"))
    loaded = load(world, f"file:{file}", "data.encoding=latin-1")
    assert {text for rows in read(loaded).values() for text, _ in rows} == {text for text, _ in QUESTIONS}
    with pytest.raises(DataError, match=r"x.txt:1: not UTF-8 .* data.encoding"):
        load(world, f"file:{file}")


def test_numbers_without_names_are_their_own_names(world: World, tmp_path: Path) -> None:
    for split, rows in SPLITS.items():
        write_parquet(tmp_path / f"{split}.parquet", rows, names=None)
    loaded = load(world, f"file:{tmp_path}", *parts("parquet"))
    assert loaded.dataset.head(BertConfig()).labels == ["0", "1", "2"]


def test_columns_have_the_names_of_the_recipe(world: World, tmp_path: Path) -> None:
    rows = [{"headline": text, "Class Index": float(i % 2)} for i, (text, _) in enumerate(QUESTIONS)]
    file = tmp_path / "x.json"
    file.write_text(json.dumps(rows), encoding="utf8")
    loaded = load(world, f"file:{file}", "data.columns.text=headline", "data.columns.label='Class Index'")
    assert {label for examples in read(loaded).values() for _, label in examples} == {"0", "1"}
    with pytest.raises(DataError, match=r"for the task's 'text'; the columns are: headline, Class Index"):
        load(world, f"file:{file}")


def test_duplicates_lie_on_one_side_of_a_split(world: World, tmp_path: Path) -> None:
    near = [(text.upper().replace(" ,", "").replace("?", "!"), label) for text, label in QUESTIONS]
    write_trec(tmp_path / "x.txt", [*QUESTIONS, *QUESTIONS[:20], *near])
    splits = read(load(world, f"file:{tmp_path / 'x.txt'}"))
    sides = {split: {text.split()[3] for text, _ in rows} for split, rows in splits.items()}
    assert sum(len(side) for side in sides.values()) == len(QUESTIONS) == len(set().union(*sides.values()))
    assert sum(len(rows) for rows in splits.values()) == 140


def test_repeated_texts_are_dropped_and_counted_where_the_recipe_says_so(world: World, tmp_path: Path) -> None:
    write_trec(tmp_path / "x.txt", [*QUESTIONS, *[(text.upper(), "NUM") for text, _ in QUESTIONS[:20]], *QUESTIONS])
    once = load(world, f"file:{tmp_path / 'x.txt'}", "data.repeats=drop")
    assert sorted(row for rows in read(once).values() for row in rows) == sorted(QUESTIONS)
    assert sum(once.dropped.values()) == 80
    kept = load(world, f"file:{tmp_path / 'x.txt'}")
    assert sum(map(len, read(kept).values())) == 140
    assert sum(kept.dropped.values()) == 0


def test_training_texts_that_are_also_tested_are_dropped(world: World, tmp_path: Path) -> None:
    leaking = SPLITS | {"train": [*SPLITS["train"], *SPLITS["test"][:3], (SPLITS["validation"][0][0].upper(), "NUM")]}
    for split, rows in leaking.items():
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
    loaded = load(world, f"file:{tmp_path}", *parts("jsonl"))
    assert loaded.dropped["train"] == 4
    assert read(loaded)["train"] == list(SPLITS["train"])


def test_a_label_that_train_lacks_is_named(world: World, tmp_path: Path) -> None:
    for split, rows in SPLITS.items():
        write_jsonl(tmp_path / f"{split}.jsonl", rows if split != "test" else [*rows, ("What now ?", "LOC")])
    message = r"test.jsonl:11: label 'LOC' of the test split is not in train \(train has: ABBR, DESC, NUM\)"
    with pytest.raises(DataError, match=message):
        load(world, f"file:{tmp_path}", *parts("jsonl"))


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"label": "NUM"}, "text should be a non-empty text, got 'None'"),
    "blank": ({"text": " ", "label": "NUM"}, "text should be a non-empty text, got ' '"),
    "hidden": ({"text": "Why ?", "label": None}, "label is empty; it should be a name or a whole number"),
    "fraction": ({"text": "Why ?", "label": 0.5}, r"label should be a name or a whole number, got '0\.5'"),
    "list": ({"text": "Why ?", "label": ["NUM", "DESC"]}, r"label has 2 labels \('NUM', 'DESC'\), not one"),
    "nothing": ({"text": "Why ?", "label": ""}, "label is empty; it should be a name or a whole number"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_bad_row_is_named(world: World, tmp_path: Path, mistake: str) -> None:
    row, expected = MISTAKES[mistake]
    write_jsonl(tmp_path / "x.jsonl", QUESTIONS)
    with (tmp_path / "x.jsonl").open("a", encoding="utf8") as stream:
        stream.write(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=f"x.jsonl:61: {expected}"):
        load(world, f"file:{tmp_path / 'x.jsonl'}")


def test_one_label_alone_teaches_nothing(world: World, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "x.jsonl", [(text, "NUM") for text, _ in QUESTIONS])
    with pytest.raises(DataError, match=r"x.jsonl: every training text has the label 'NUM'; two are needed"):
        load(world, f"file:{tmp_path / 'x.jsonl'}")


def test_helpers_are_no_tasks() -> None:
    assert "topic" in registry.names("task")
    assert not [name for name in registry.names("task") if name.startswith("_")]


def test_rows_of_empty_cells_below_a_table_are_none(tmp_path: Path) -> None:
    """So Excel writes what was deleted; in the midst of a table such a row is a bad one."""
    rows = "".join(f"text {at},{NAMES[at % 2]}\n" for at in range(40))
    parts: dict[str, Any] = {"train": "x.csv", "validation": "x.csv", "test": "x.csv", "leaks": "keep"}
    file = tmp_path / "x.csv"
    file.write_text(f"text,label\n{rows},\n , \n", encoding="utf8")
    assert len(loading.load("topic", tmp_path, **parts).dataset.splits["test"]) == 40
    file.write_text(f"text,label\n,\n{rows}", encoding="utf8")
    with pytest.raises(DataError, match=r"x.csv:2: text should be a non-empty text, got ''"):
        loading.load("topic", tmp_path, **parts)
