"""True and false are one label each, however files write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

WAYS: dict[str, tuple[Any, Any]] = {
    "booleans": (True, False),
    "lower": ("true", "false"),
    "capital": ("True", "False"),
    "upper": ("TRUE", "FALSE"),
    "numbers": (1, 0),
    "floats": (1.0, 0.0),
    "digits": ("1", "0"),
}
NAMES = {"lower": ("true", "false"), "upper": ("TRUE", "FALSE"), "numbers": ("1", "0")}
NAMES |= {"booleans": ("True", "False"), "capital": ("True", "False"), "floats": ("1", "0"), "digits": ("1", "0")}


def write(file: Path, labels: list[Any]) -> None:
    rows = [{"text": f"{file.stem} number {i}", "label": label} for i, label in enumerate(labels)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")


def read(folder: Path, train: list[Any], test: list[Any]) -> tuple[dict[str, list[str]], list[str]]:
    write(folder / "train.jsonl", train)
    write(folder / "test.jsonl", test)
    parts: dict[str, Any] = {"train": "train.jsonl", "validation": "test.jsonl", "test": "test.jsonl"}
    dataset = load("topic", folder, **parts, unseen_labels="count", leaks="keep").dataset
    labels = {split: [example.label for example in examples] for split, examples in dataset.splits.items()}
    return labels, list(dataset.notes)


@pytest.mark.parametrize("train", WAYS)
@pytest.mark.parametrize("test", WAYS)
def test_the_files_agree_whatever_they_write(tmp_path: Path, train: str, test: str) -> None:
    labels, notes = read(tmp_path, [*WAYS[train]] * 3, [*WAYS[test]])
    assert labels["train"] == [*NAMES[train]] * 3
    assert labels["test"] == [*NAMES[train]]
    assert bool(notes) == (NAMES[train] != NAMES[test])


def test_one_file_that_mixes_them_has_two_labels(tmp_path: Path) -> None:
    labels, notes = read(tmp_path, [True, "true", "false", False, "true"], [1, 0])
    assert labels["train"] == ["true", "true", "false", "false", "true"]
    assert labels["test"] == ["true", "false"]
    assert notes == ["labels 0, 1, False, True, false, true are read as true and false"]


def test_labels_of_more_than_two_values_stay(tmp_path: Path) -> None:
    labels, notes = read(tmp_path, ["true", "half-true", True, "false"], ["true", "half-true"])
    assert labels["train"] == ["true", "half-true", "True", "false"]
    [note] = notes
    assert note.endswith("if they are one class, write them alike: 'True' (1) and 'true' (1)")
