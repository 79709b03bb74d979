"""Intents: sentences of one template stay in one split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.heads._labels import LabelAnswers
from pefbench.sources import BadRows, Row
from pefbench.tasks.intent import TASK, read
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path


def row(text: str, label: str, template: str | None) -> Row:
    return Row({"text": text, "label": label, "template": template}, "x.csv", 2)


def test_no_template_is_on_two_sides(tmp_path: Path) -> None:
    lines = [f"turn on lamp {i} of {t},{'on' if t % 2 else 'off'},t{t}" for t in range(60) for i in range(5)]
    (tmp_path / "x.csv").write_text("text,label,template\n" + "\n".join(lines) + "\n", encoding="utf8")
    splits = loading.load("intent", tmp_path / "x.csv").dataset.splits
    sides = {split: {example.text.rpartition(" ")[2] for example in members} for split, members in splits.items()}
    assert not sides["train"] & (sides["validation"] | sides["test"])
    assert not sides["validation"] & sides["test"]
    assert sum(map(len, splits.values())) == 300


def test_sentences_of_a_template_are_a_cluster(tmp_path: Path) -> None:
    lines = [f"turn on lamp {i} of {t},{'on' if t % 2 else 'off'},t{t}" for t in range(60) for i in range(5)]
    (tmp_path / "x.csv").write_text("text,label,template\n" + "\n".join(lines) + "\n", encoding="utf8")
    test = loading.load("intent", tmp_path / "x.csv").dataset.splits["test"]
    clusters = LabelAnswers().clusters(test)
    assert clusters is not None
    assert clusters == [f"t{example.text.rpartition(' ')[2]}" for example in test]
    assert LabelAnswers().clusters(test[::5]) is None  # one of each


def test_texts_need_no_template(tmp_path: Path) -> None:
    lines = [f"utterance {i},{'ab'[i % 2]}" for i in range(80)]
    (tmp_path / "x.csv").write_text("text,category\n" + "\n".join(lines) + "\n", encoding="utf8")
    assert sum(len(members) for members in loading.load("intent", tmp_path / "x.csv").dataset.splits.values()) == 80


def test_an_intent_without_a_template_in_training_is_left_out_and_counted() -> None:
    train = [row("on", "HassTurnOn", "HassTurnOn/1"), row("off", "HassTurnOff", "HassTurnOff/1")]
    test = [row("on!", "HassTurnOn", "HassTurnOn/2"), row("stop", "HassStop", "HassStop/1")]
    dataset = TASK.read({"train": train, "test": test}, BadRows())
    assert [example.text for example in dataset.splits["test"]] == ["on!"]
    [note] = dataset.notes
    assert note == "1 of 2 test sentences are left out: no template of their intent is in train"


def test_an_unknown_intent_of_a_text_without_template_is_an_error() -> None:
    train = [row("on", "a", None), row("off", "b", None)]
    with pytest.raises(DataError, match=r"x.csv:2: label 'c' of the test split is not in train \(train has: a, b\)"):
        TASK.read({"train": train, "test": [row("what", "c", None)]}, BadRows())


def test_where_out_of_scope_is_learned_its_probability_is_asked_for() -> None:
    train = [row("on", "light", None), row("sing", "oos", None)]
    assert read({"train": train}, BadRows()).outside == "oos"
    assert read({"train": [*train[:1], row("off", "dark", None)]}, BadRows()).outside is None
