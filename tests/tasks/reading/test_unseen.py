"""Labels that are not in training: bad rows, or scored as missed; values compared with scikit-learn."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from seqeval.metrics import f1_score as entity_f1_score
from sklearn.metrics import accuracy_score, f1_score

from pefbench.errors import DataError
from pefbench.heads import IGNORED, TARGETS
from pefbench.heads.sequence import SequenceHead
from pefbench.metrics import make, score
from pefbench.remarks import Odd
from tests.sources.refusals import refusal
from tests.tasks.loading import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LABELLED = {
    "train": ["sports", "news"] * 4,
    "validation": ["news"],
    "test": ["sports", "Sports ", "art", "art", "news"],
}
NAMED: dict[str, Any] = {"train": "train.csv", "validation": "validation.csv", "test": "test.csv"}


def write(folder: Path, splits: Mapping[str, list[str]]) -> None:
    for split, labels in splits.items():
        rows = "".join(f"{split} text {at},{label}\n" for at, label in enumerate(labels))
        (folder / f"{split}.csv").write_text(f"text,label\n{rows}", encoding="utf8")


def test_a_label_of_test_alone_is_a_bad_row(tmp_path: Path) -> None:
    write(tmp_path, LABELLED)
    message = refusal(DataError, load, "topic", tmp_path, **NAMED)
    assert message == (
        "test.csv:3: label 'Sports' of the test split is not in train (train has 'sports': only case or spaces "
        "differ); data.unseen_labels=count scores it as never found"
    )
    skipped = load("topic", tmp_path, on_bad_row="skip", **NAMED)
    assert [example.label for example in skipped.dataset.splits["test"]] == ["sports", "news"]


def test_counted_labels_are_missed_by_every_metric(tmp_path: Path) -> None:
    write(tmp_path, LABELLED)
    dataset = load("topic", tmp_path, unseen_labels="count", **NAMED).dataset
    [note] = dataset.notes
    assert note == (
        "labels of the test split that train does not have are scored as never found: 'art' (2), "
        "'Sports' (1; train has 'sports': only case or spaces differ)"
    )
    head = SequenceHead(["news", "sports"])
    tests = dataset.splits["test"]
    assert head.targets(tests).tolist() == [1, IGNORED, IGNORED, IGNORED, 0]
    references = head.answers.references(tests)
    assert references == ["sports", "Sports", "art", "art", "news"]
    predictions = ["sports", "sports", "news", "news", "news"]
    assert score(make("accuracy"), predictions, references)["accuracy"]["value"] == accuracy_score(
        references, predictions
    )
    expected = f1_score(references, predictions, average="macro", zero_division=0)
    assert score(make("macro_f1"), predictions, references)["macro_f1"]["value"] == pytest.approx(expected)
    assert expected == pytest.approx((2 / 3 + 1 / 2) / 4)


def test_no_loss_is_computed_of_a_label_that_has_no_number() -> None:
    import torch
    from torch import nn
    from transformers.modeling_outputs import SequenceClassifierOutput

    class Even(nn.Module):
        def forward(self, **_: object) -> SequenceClassifierOutput:
            return SequenceClassifierOutput(logits=torch.zeros(2, 2))

    loss = SequenceHead(["a", "b"]).loss_sum(Even(), {TARGETS: torch.tensor([0, IGNORED])})
    assert float(loss) == pytest.approx(np.log(2))


def test_entity_types_are_counted_and_missed(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("Ada B-PER\nran O\n", encoding="utf8")
    (tmp_path / "dev.conll").write_text("Bo B-per\n", encoding="utf8")
    (tmp_path / "test.conll").write_text("Ada B-PER\nin O\nNew B-LOC\nYork I-LOC\nOslo B-LOC\n", encoding="utf8")
    named: dict[str, Any] = {"train": "train.conll", "validation": "dev.conll", "test": "test.conll"}
    message = refusal(DataError, load, "ner", tmp_path, **named)
    assert message == (
        "dev.conll:1: entity type 'per' of the validation split is not in train (train has 'PER': only case or spaces "
        "differ); data.unseen_labels=count scores it as never found"
    )
    dataset = load("ner", tmp_path, unseen_labels="count", **named).dataset
    scored = "split that train does not have are scored as never found"
    assert list(dataset.notes) == [
        f"entity types of the validation {scored}: 'per' (1; train has 'PER': only case or spaces differ)",
        f"entity types of the test {scored}: 'LOC' (2)",
    ]
    references = [list(example.tags) for example in dataset.splits["test"]]
    assert references == [["B-PER", "O", "B-LOC", "I-LOC", "B-LOC"]]
    predictions = [["B-PER", "O", "B-PER", "O", "O"]]
    found = score(make("entity_f1"), predictions, references)
    assert found["entity_f1"]["value"] == pytest.approx(entity_f1_score(references, predictions)) == pytest.approx(0.4)


def test_labels_of_training_that_differ_in_case_or_spaces_alone_are_told(tmp_path: Path) -> None:
    write(tmp_path, {"train": ["pos", "Pos", "pos", "neg", "sci fi", "scifi"], "validation": ["pos"], "test": ["Pos"]})
    dataset: Any = load("topic", tmp_path, **NAMED).dataset
    assert dataset.labels == ["Pos", "neg", "pos", "sci fi", "scifi"]
    [note] = dataset.notes
    assert isinstance(note, Odd)
    assert note == (
        "labels of train differ only in case or spaces but are different classes; if they are one class, write them "
        "alike: 'Pos' (1) and 'pos' (2), 'sci fi' (1) and 'scifi' (1)"
    )


@pytest.mark.parametrize(
    ("task", "text", "shown"),
    [
        ("ner", "Ada B-PER\nran O\n\nBo B-Per\nXu I-Per\n", "entity types of train * 'PER' (1) and 'Per' (1)"),
        ("token_classification", "Ada NN\nran VB\n\nBo nn\n", "tags of train * 'NN' (1) and 'nn' (1)"),
    ],
)
def test_so_are_types_and_tags(tmp_path: Path, task: str, text: str, shown: str) -> None:
    for split in NAMED:
        (tmp_path / f"{split}.conll").write_text(text.replace("Ada", split), encoding="utf8")
    data: dict[str, Any] = {split: f"{split}.conll" for split in NAMED}
    notes = load(task, tmp_path, leaks="keep", **data).dataset.notes
    assert fnmatch(notes[0], shown), notes


def test_the_field_leaves_old_ids_as_they_were() -> None:
    from pefbench.sections import DataSection

    assert "unseen_labels" not in DataSection(source="file:x").model_dump()
    assert DataSection(source="file:x", unseen_labels="count").model_dump()["unseen_labels"] == "count"
