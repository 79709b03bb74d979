"""Semantic similarity: scored pairs in every layout, hidden scores refused, a trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from pefbench.errors import DataError
from pefbench.recipe import load_recipe
from pefbench.trial import run
from pefbench.trial.subset import subset
from tests.tasks import pairs
from tests.tasks.loading import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.worlds import World

TASK = "semantic_similarity"
ROWS = [
    (first, second, score + i % 3 / 4)
    for i, (first, second, score) in enumerate(pairs.sentences(90, lambda is_same: 4.0 if is_same else 1.0))
]
LAYOUTS: Mapping[str, tuple[str, tuple[str, str, str], Mapping[str, Any]]] = {
    "STS-B of GLUE": ("x.tsv", ("sentence1", "sentence2", "score"), {"genre": "news", "old_index": 1}),
    "STS-B of the hub": ("x.jsonl", ("sentence1", "sentence2", "label"), {"idx": 0}),
    "SICK": ("x.tsv", ("sentence_A", "sentence_B", "relatedness_score"), {"entailment_label": "NEUTRAL"}),
    "of one's own": ("x.csv", ("text1", "text2", "similarity"), {}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(tmp_path: Path, layout: str) -> None:
    name, columns, others = LAYOUTS[layout]
    pairs.write(tmp_path / name, columns, ROWS, **others)
    examples = [each for split in load(TASK, tmp_path / name).dataset.splits.values() for each in split]
    assert sorted((each.text, each.pair, each.score) for each in examples) == sorted(ROWS)


def test_a_score_and_a_label_are_no_guess(tmp_path: Path) -> None:
    pairs.write(tmp_path / "x.tsv", ("sentence_A", "sentence_B", "relatedness_score"), ROWS, label=1)
    with pytest.raises(DataError, match=r"'relatedness_score' and 'label' could each be .*data\.columns\.score"):
        load(TASK, tmp_path / "x.tsv")
    assert load(TASK, tmp_path / "x.tsv", columns={"score": "relatedness_score"}).dataset.splits["train"]


@pytest.mark.parametrize("score", ["high", "", None, "nan", True])
def test_a_score_is_a_number(tmp_path: Path, score: Any) -> None:
    pairs.write(tmp_path / "x.jsonl", ("sentence1", "sentence2", "score"), [*ROWS, ("a", "b", score)])
    with pytest.raises(DataError, match=r"x\.jsonl:91: score should be a number, got "):
        load(TASK, tmp_path / "x.jsonl")


def test_a_split_whose_scores_are_hidden_is_refused(tmp_path: Path) -> None:
    columns = ("sentence1", "sentence2", "label")
    pairs.write(tmp_path / "train.jsonl", columns, ROWS)
    pairs.write(tmp_path / "test.jsonl", columns, [(f"a {i}", "b", -1.0) for i in range(5)])
    expected = (
        r"test\.jsonl: every score of the test split is -1, and train's are from 1 to 4\.5; .*name its validation"
    )
    with pytest.raises(DataError, match=expected):
        load(TASK, tmp_path, train="train.jsonl", test="test.jsonl")


def test_a_trial_ends_with_scipys_values(world: World, tmp_path: Path) -> None:
    pairs.write(tmp_path / "x.tsv", ("sentence1", "sentence2", "score"), ROWS)
    result, predicted, gold = pairs.trial(world, tmp_path / "out", TASK, tmp_path / "x.tsv")
    scores = {name: value["value"] for name, value in result["metrics"]["test"].items()}
    expected = {"pearson": pearsonr(predicted, gold).statistic, "spearman": spearmanr(predicted, gold).statistic}
    assert scores == pytest.approx(expected)
    assert {*result["baselines"]} == {"mean_score", "word_overlap_score"}
    assert result["baselines"]["word_overlap_score"]["pearson"]["value"] > 0.5
    assert result["baselines"]["mean_score"]["spearman"]["value"] == 0


def test_the_scale_is_that_of_the_examples_that_are_learned_from(world: World, tmp_path: Path) -> None:
    pairs.write(tmp_path / "x.tsv", ("sentence1", "sentence2", "score"), ROWS)
    changes = {"data": {"source": f"file:{tmp_path / 'x.tsv'}"}, "train__epochs": 1, "train__max_examples": 7}
    path = run.run(load_recipe(world.recipe("few", task=TASK, **changes)), tmp_path / "out")
    assert json.loads(path.read_text(encoding="utf8"))["round_trip"]["reproduced"]
    saved = json.loads((path.with_suffix("") / "trial.json").read_text(encoding="utf8"))
    train = load(TASK, tmp_path / "x.tsv").dataset.splits["train"]
    scores = np.asarray([each.score for each in subset(train, 7, 0)])
    expected = [scores.mean(), scores.std(), scores.min(), scores.max()]
    assert saved["head"]["values"]["scale"] == pytest.approx(expected)
    assert expected[0] != pytest.approx(np.mean([each.score for each in train]))
