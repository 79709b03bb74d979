"""Whole trials of tasks with a judge: ratings are in the predictions, and a fresh process reproduces them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pefbench.errors import RecipeError
from pefbench.recipe import load_recipe
from pefbench.trial import run
from tests import tiny
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, dict[str, Any]] = {
    "controllable_generation": {"first_words": 1, "judged_by": 0.5},
    "data_augmentation": {"per_class": 5, "temperature": 2.0},
}
VERDICTS = {"controllable_generation": {"text", "attribute"}, "data_augmentation": {"text", "plain", "augmented"}}


def recipe(folder: Path, task: str) -> Path:
    """Write a tiny decoder of bytes, a corpus of short texts whose words tell their labels, and a recipe."""
    tiny.causal_lm("gpt2", vocab_size=260).save_pretrained(folder / "model")
    single_bytes().save_pretrained(folder / "model")
    rows = [f"{i} {word} {i % 7}\t{label}" for i in range(60) for word, label in (("good", "p"), ("bad", "n"))]
    (folder / "texts.tsv").write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf8")
    values = {
        "task": task,
        "options": OPTIONS[task] | {"kind": "x", "max_new_tokens": 16},
        "model": {"name": f"file:{folder / 'model'}"},
        "data": {"source": f"file:{folder / 'texts.tsv'}"},
        "method": {"name": "lora"},
        "train": {"epochs": 1, "batch_size": 8, "max_length": 64, "precision": "fp32", "threads": 1},
        "evaluate": {"batch_size": 3},
    }
    file = folder / f"lora_{task}.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf8")
    return file


@pytest.mark.usefixtures("fresh_round_trips")
@pytest.mark.parametrize("task", OPTIONS)
def test_a_trial_is_judged_and_comes_out_the_same_in_a_fresh_process(task: str, tmp_path: Path) -> None:
    path = run.run(load_recipe(recipe(tmp_path, task)), tmp_path / "out")
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["round_trip"]["reproduced"]
    lines = (path.with_suffix("") / "predictions.jsonl").read_text(encoding="utf8").splitlines()
    predictions = [json.loads(line) for line in lines]
    assert len(predictions) == result["data"]["splits"]["test"]["examples"]
    assert all(row["prediction"].keys() == VERDICTS[task] for row in predictions)
    test = result["metrics"]["test"]
    right = sum(row["correct"] for row in predictions) / len(predictions)
    scored = "accuracy_augmented" if task == "data_augmentation" else "attribute_accuracy"
    assert test[scored]["value"] == pytest.approx(right), "what is called correct is what is scored"
    judge = "downstream:bag_of_words," if task == "data_augmentation" else "judge:bag_of_words,"
    for scores in (test, *result["baselines"].values()):
        assert f"|{judge}" in scores[result["headline"]]["signature"]
        assert scores[result["headline"]]["examples"] == len(predictions)
    assert "|search:" in test[result["headline"]]["signature"]
    assert "|search:" not in next(iter(result["baselines"].values()))[result["headline"]]["signature"]
    assert result["samples"][0]["prediction"].keys() == VERDICTS[task]


def test_a_metric_of_what_answers_do_not_say_is_refused_before_training(tmp_path: Path) -> None:
    file = recipe(tmp_path, "controllable_generation")
    told = "perplexity cannot score the task's answers, which lack nll and pieces"
    with pytest.raises(RecipeError, match=f"^evaluate.metrics: {told}$"):
        run.run(load_recipe(file, ["evaluate.metrics=[attribute_accuracy, perplexity]"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()
