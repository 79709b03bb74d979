"""Token labels that are not entities: any tags, from every shape of table; values as in scikit-learn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.metrics import accuracy_score, f1_score

from pefbench.errors import DataError
from pefbench.heads.examples import TokenExample
from pefbench.metrics import make, score
from pefbench.registry import find
from tests.sources.refusals import refusal
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = [
    (["The", "old", "man", "the", "boat"], ["DT", "NN", "VBP", "DT", "NN"]),
    (["Her", "boat", "-LRB-", "."], ["PRP$", "NN", "-LRB-", "."]),
]
NAMES = ["-LRB-", ".", "DT", "NN", "PRP$", "VBP"]
SPLITS: dict[str, Any] = {"train": "train.x", "validation": "validation.x", "test": "test.x", "leaks": "keep"}


def write(folder: Path, suffix: str) -> None:
    """Write the same sentences to train, validation and test, in one of the shapes that people's files have."""
    texts = {
        "conll": "\n".join("".join(f"{word} _ {tag}\n" for word, tag in zip(*each, strict=True)) for each in SENTENCES),
        "jsonl": "".join(json.dumps({"tokens": words, "pos_tags": tags}) + "\n" for words, tags in SENTENCES),
        "csv": "Sentence #,Word,POS,Tag\n"
        + "".join(
            f"{number},{word},{tag},O\n"
            for number, (words, tags) in enumerate(SENTENCES)
            for word, tag in zip(words, tags, strict=True)
        ),
        "conllu": "\n".join(
            "".join(f"{at + 1}\t{word}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n" for at, (word, tag) in enumerate(zip(*each)))  # noqa: B905
            for each in SENTENCES
        ),
    }
    for split in ("train", "validation", "test"):
        (folder / f"{split}.{suffix}").write_text(texts[suffix], encoding="utf8")


def parts(suffix: str) -> dict[str, Any]:
    return {split: f"{split}.{suffix}" for split in ("train", "validation", "test")} | {"leaks": "keep"}


@pytest.mark.parametrize("suffix", ["conll", "jsonl", "csv", "conllu"])
def test_tags_of_no_scheme_are_labels(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, suffix)
    columns = {"columns": {"tags": "POS"}} if suffix == "csv" else {}
    dataset: Any = load("token_classification", tmp_path, **parts(suffix), **columns).dataset
    assert [(list(each.tokens), list(each.tags)) for each in dataset.splits["test"]] == SENTENCES
    assert dataset.labels == NAMES


def test_two_columns_of_tags_are_told_apart_by_the_recipe(tmp_path: Path) -> None:
    write(tmp_path, "csv")
    message = refusal(DataError, load, "token_classification", tmp_path, **parts("csv"))
    assert message == ("train.csv: 'POS' and 'Tag' could each be the task's 'tags' (say which with data.columns.tags)")


def test_numbers_are_their_own_names_or_get_those_of_the_recipe(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        rows = [{"tokens": words, "tags": [NAMES.index(tag) for tag in tags]} for words, tags in SENTENCES]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    unnamed: Any = load("token_classification", tmp_path, **parts("jsonl")).dataset
    assert unnamed.labels == ["0", "1", "2", "3", "4", "5"]
    named: Any = load("token_classification", tmp_path, **parts("jsonl"), labels=NAMES).dataset
    assert named.labels == NAMES


def test_ner_names_this_task_where_tags_mark_no_entities(tmp_path: Path) -> None:
    write(tmp_path, "conll")
    message = refusal(DataError, load, "ner", tmp_path, **parts("conll"))
    assert message.startswith("tag 'DT' at train.conll:1 has no prefix; known schemes: IOB1, IOB2, IOBES, BILOU, IO")
    assert message.endswith("parts of speech, there is task: token_classification")
    (tmp_path / "train.conll").write_text("Ada B-PER\nran Q-PER\n", encoding="utf8")
    assert "token_classification" not in refusal(DataError, load, "ner", tmp_path, **parts("conll"))


def test_a_tag_that_training_lacks(tmp_path: Path) -> None:
    write(tmp_path, "conll")
    (tmp_path / "test.conll").write_text("The _ DT\nUh _ UH\nboat _ nn\nuh _ UH\n", encoding="utf8")
    message = refusal(DataError, load, "token_classification", tmp_path, **parts("conll"))
    assert message.startswith("test.conll:2: 2 'UH' of the test split is not in train (train has: -LRB-, ., DT, NN")
    dataset = load("token_classification", tmp_path, **parts("conll"), unseen_labels="count").dataset
    [note] = dataset.notes
    assert note.endswith("never found: 'UH' (2), 'nn' (1; train has 'NN': only case or spaces differ)")


def test_one_tag_alone_teaches_nothing(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.conll").write_text("a _\nb _\n", encoding="utf8")
    message = refusal(DataError, load, "token_classification", tmp_path, **parts("conll"))
    assert message == "train.conll: every training word has the tag '_'; two are needed"


def test_the_scores_are_scikit_learns_and_the_baseline_knows_no_outside() -> None:
    train = [TokenExample(tuple(words), tuple(tags)) for words, tags in SENTENCES]
    test = [TokenExample(("the", "Old", "boat"), ("DT", "JJ", "NN"))]
    answers = find("baseline", "word_tags")(train, test)
    assert answers == [["DT", "NN", "NN"]]  # NN is the most frequent tag of training
    found = score(make("token_report"), answers, [list(example.tags) for example in test])
    flat, gold = answers[0], ["DT", "JJ", "NN"]
    assert found["token_accuracy"]["value"] == pytest.approx(accuracy_score(gold, flat)) == pytest.approx(2 / 3)
    expected = f1_score(gold, flat, average="macro", zero_division=0)
    assert found["token_macro_f1"]["value"] == pytest.approx(expected) == pytest.approx((1 + 0 + 2 / 3) / 3)
