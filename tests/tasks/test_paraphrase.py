"""Paraphrases: two labels with all their names, F1 of the positive one, a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from pefbench.errors import DataError
from pefbench.sources import BadRows, Row
from pefbench.tasks.paraphrase import NO, YES, read
from tests.tasks import pairs
from tests.tasks.loading import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.worlds import World

ROWS = pairs.sentences(90, int)
LAYOUTS: Mapping[str, tuple[str, tuple[str, str, str], Mapping[str, Any]]] = {
    "MRPC": ("x.tsv", ("#1 String", "#2 String", "Quality"), {"#1 ID": 1, "#2 ID": 2}),
    "QQP of GLUE": ("x.tsv", ("question1", "question2", "is_duplicate"), {"id": 1, "qid1": 2}),
    "QQP of the hub": ("x.jsonl", ("question1", "question2", "label"), {"idx": 0}),
    "PAWS": ("x.tsv", ("sentence1", "sentence2", "label"), {"id": 3}),
}


def labels(given: list[Any], positive: str | None = None, *, skip: bool = False) -> list[str]:
    rows = [Row({"text": f"a {i}", "pair": "b", "label": label}, "x.tsv", i + 1) for i, label in enumerate(given)]
    return [example.label for example in read({"train": rows}, BadRows(skip=skip), positive=positive).splits["train"]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(tmp_path: Path, layout: str) -> None:
    name, columns, others = LAYOUTS[layout]
    pairs.write(tmp_path / name, columns, ROWS, **others)
    examples = [each for split in load("paraphrase", tmp_path / name).dataset.splits.values() for each in split]
    expected = [(first, second, YES if label else NO) for first, second, label in ROWS]
    assert sorted((each.text, each.pair, each.label) for each in examples) == sorted(expected)


@pytest.mark.parametrize(
    "given",
    [
        [1, 0],
        ["1", "0"],
        [1.0, "0.0"],
        [True, False],
        ["duplicate", "not_duplicate"],
        ["equivalent", "not_equivalent"],
        ["Yes", "No"],
    ],
)
def test_the_usual_labels_are_known(given: list[Any]) -> None:
    assert labels(given) == [YES, NO]


def test_other_labels_are_named_and_an_option_says_what_they_mean() -> None:
    with pytest.raises(DataError, match=r"x\.tsv:2: label should be paraphrase, .* or not_paraphrase, .*, got 'same'"):
        labels(["1", "same", "0"])
    assert labels(["1", "same", "0"], skip=True) == [YES, NO]
    assert labels(["same", "near", "other"], "same") == [YES, NO, NO]
    assert labels([0, 1], "0") == [YES, NO]
    with pytest.raises(DataError, match=r"options\.positive: no row of the train split has the label 'sane'"):
        labels(["same", "other"], "sane")


def test_a_pair_that_is_turned_round_is_the_same_pair(tmp_path: Path) -> None:
    columns = ("sentence1", "sentence2", "label")
    turned = [(second, first, label) for first, second, label in ROWS]
    pairs.write(tmp_path / "x.csv", columns, [*ROWS, *turned])
    splits = load("paraphrase", tmp_path / "x.csv").dataset.splits
    sides = [{frozenset((each.text, each.pair)) for each in examples} for examples in splits.values()]
    assert sum(map(len, sides)) == len(ROWS)
    pairs.write(tmp_path / "train.csv", columns, ROWS)
    pairs.write(tmp_path / "test.csv", columns, turned[:7])
    loaded = load("paraphrase", tmp_path, train="train.csv", test="test.csv")
    assert sum(loaded.dropped.values()) == 7


def test_a_trial_ends_with_scikit_learns_values(world: World, tmp_path: Path) -> None:
    pairs.write(tmp_path / "x.tsv", ("question1", "question2", "is_duplicate"), ROWS)
    result, predicted, gold = pairs.trial(world, tmp_path / "out", "paraphrase", tmp_path / "x.tsv")
    scores = {name: value["value"] for name, value in result["metrics"]["test"].items()}
    of_one = precision_recall_fscore_support(gold, predicted, labels=[YES], average="macro", zero_division=0)[:3]
    expected = dict(zip(("precision", "recall", "f1"), of_one, strict=True))
    assert scores == pytest.approx({"accuracy": accuracy_score(gold, predicted)} | expected)
    assert f"positive:{YES}|" in result["metrics"]["test"]["f1"]["signature"]
    assert {*result["baselines"]} == {"majority", "word_overlap"}
    floors = {name: value["accuracy"]["value"] for name, value in result["baselines"].items()}
    assert floors["word_overlap"] > floors["majority"]
