"""Natural language inference: pairs in every layout, labels without agreement, a split by premise, a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import datasets
import pytest
from sklearn.metrics import accuracy_score, f1_score

from pefbench.errors import DataError
from tests.tasks import pairs
from tests.tasks.loading import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.worlds import World

TASK = "natural_language_inference"
ROWS = pairs.sentences(90, lambda is_same: "entailment" if is_same else "neutral")
LAYOUTS: Mapping[str, tuple[str, tuple[str, str, str], Mapping[str, Any]]] = {
    "MNLI of the hub": ("x.jsonl", ("premise", "hypothesis", "label"), {"idx": 1}),
    "MNLI of GLUE": (
        "x.tsv",
        ("sentence1", "sentence2", "gold_label"),
        {"genre": "fiction", "sentence1_parse": "( a )"},
    ),
    "RTE": ("x.tsv", ("sentence1", "sentence2", "label"), {"index": 1}),
    "QNLI": ("x.tsv", ("question", "sentence", "label"), {"index": 1}),
    "SICK": ("x.tsv", ("sentence_A", "sentence_B", "entailment_label"), {"relatedness_score": 3.2}),
    "of one's own": ("x.csv", ("text_a", "text_b", "label"), {}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(tmp_path: Path, layout: str) -> None:
    name, columns, others = LAYOUTS[layout]
    pairs.write(tmp_path / name, columns, ROWS, **others)
    loaded = load(TASK, tmp_path / name)
    examples = [example for split in loaded.dataset.splits.values() for example in split]
    assert sorted((each.text, each.pair, each.label) for each in examples) == sorted(ROWS)
    assert loaded.notes == ([f"columns not read: {', '.join(others)}"] if others else [])


def test_all_hypotheses_of_a_premise_are_on_one_side(tmp_path: Path) -> None:
    rows = [(f"premise {i // 3}", f"hypothesis {i}", "ENC"[i % 3]) for i in range(180)]
    pairs.write(tmp_path / "x.csv", ("premise", "hypothesis", "label"), rows)
    splits = load(TASK, tmp_path / "x.csv").dataset.splits
    sides = [{example.text for example in examples} for examples in splits.values()]
    assert sum(map(len, sides)) == 60


@pytest.mark.parametrize("hidden", ["-", "-1", -1, None])
def test_pairs_without_a_gold_label_are_left_out_and_counted(tmp_path: Path, hidden: Any) -> None:
    for split in ("train", "dev"):
        unlabelled = [(f"{split} {i}", "Nobody agreed .", hidden) for i in range(2)]
        pairs.write(tmp_path / f"{split}.jsonl", ("premise", "hypothesis", "label"), [*ROWS, *unlabelled])
    dataset = load(TASK, tmp_path, train="train.jsonl", test="dev.jsonl", leaks="keep").dataset
    assert dataset.labels == ["entailment", "neutral"]  # type: ignore[attr-defined]
    assert sum(map(len, dataset.splits.values())) == 2 * len(ROWS)
    assert [note.partition(" ")[0] for note in dataset.notes] == ["2", "2"]
    assert dataset.notes[-1] == f"2 of {len(ROWS) + 2} test pairs are left out: they have no gold label"


def test_the_hub_numbers_labels_and_hides_some(tmp_path: Path) -> None:
    names = ["entailment", "neutral", "contradiction"]
    rows = [{"premise": f"premise {i}", "hypothesis": "It is.", "label": i % 4 - 1} for i in range(120)]
    features = datasets.Features(
        premise=datasets.Value("string"), hypothesis=datasets.Value("string"), label=datasets.ClassLabel(names=names)
    )
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "x.parquet")
    dataset = load(TASK, tmp_path / "x.parquet").dataset
    assert dataset.labels == sorted(names)  # type: ignore[attr-defined]
    assert sum(map(len, dataset.splits.values())) == 90
    assert sum(int(note.partition(" ")[0]) for note in dataset.notes) == 30


def test_a_split_whose_labels_are_hidden_is_refused(tmp_path: Path) -> None:
    pairs.write(tmp_path / "train.tsv", ("question", "sentence", "label"), ROWS)
    pairs.write(tmp_path / "test.tsv", ("question", "sentence", "label"), [("Who ?", "Anna .", -1)])
    with pytest.raises(DataError, match=r"test\.tsv: no pair of the test split has a label .*name its validation set"):
        load(TASK, tmp_path, train="train.tsv", test="test.tsv")


def test_a_missing_label_is_a_bad_row(tmp_path: Path) -> None:
    pairs.write(tmp_path / "x.csv", ("premise", "hypothesis", "label"), [*ROWS, ("Who ?", "Anna .", "")])
    with pytest.raises(DataError, match=r"x\.csv:92: label is empty; it should be a name or a whole number"):
        load(TASK, tmp_path / "x.csv")


def test_a_file_of_single_texts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("premise,label\na,x\n", encoding="utf8")
    with pytest.raises(
        DataError, match=r"no column 'hypothesis' or .* for the task's 'pair'; the columns are: premise, l"
    ):
        load(TASK, tmp_path / "x.csv")


def test_a_trial_ends_with_scikit_learns_values(world: World, tmp_path: Path) -> None:
    pairs.write(tmp_path / "x.tsv", ("sentence1", "sentence2", "label"), ROWS)
    result, predicted, gold = pairs.trial(world, tmp_path / "out", TASK, tmp_path / "x.tsv")
    scores = {name: value["value"] for name, value in result["metrics"]["test"].items()}
    macro = f1_score(gold, predicted, labels=sorted({*gold}), average="macro", zero_division=0)
    assert scores == {"accuracy": pytest.approx(accuracy_score(gold, predicted)), "macro_f1": pytest.approx(macro)}
    assert {*result["baselines"]} == {"majority", "hypothesis_only", "word_overlap"}
    assert (
        result["baselines"]["word_overlap"]["accuracy"]["value"] > result["baselines"]["majority"]["accuracy"]["value"]
    )
