"""Linguistic acceptability: CoLA's table without a header, the hub's columns, Matthews correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sklearn.metrics import matthews_corrcoef

from tests.tasks import pairs
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

ROWS = [(f"{first} {second}", label) for first, second, label in pairs.sentences(90, int)]


def test_the_table_of_cola_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("".join(f"gj04\t{label}\t\t{text}\n" for text, label in ROWS), encoding="utf8")
    splits = load("acceptability", tmp_path / "x.tsv", header=False, columns={"text": 3, "label": 1}).dataset.splits
    examples = [example for split in splits.values() for example in split]
    assert sorted((each.text, each.label) for each in examples) == sorted((text, str(label)) for text, label in ROWS)


def test_a_trial_ends_with_scikit_learns_value(world: World, tmp_path: Path) -> None:
    lines = ["sentence\tlabel", *(f"{text}\t{'acceptable' if label else 'unacceptable'}" for text, label in ROWS)]
    (tmp_path / "x.tsv").write_text("\n".join(lines), encoding="utf8")
    result, predicted, gold = pairs.trial(world, tmp_path / "out", "acceptability", tmp_path / "x.tsv")
    assert result["headline"] == "matthews"
    scores = result["metrics"]["test"]
    expected = matthews_corrcoef(gold, predicted) if len({*gold, *predicted}) > 1 else 0
    assert scores["matthews"]["value"] == pytest.approx(expected)
    assert result["baselines"]["majority"]["matthews"]["value"] == 0
