"""A generating task from a GGUF file to its result: samples, signatures, baselines, round trip."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
import yaml

from pefbench import recipe
from pefbench.trial import run, score
from tests import gguf_files, tiny

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, task: str, columns: tuple[str, str]) -> Path:
    """A tiny decoder in a GGUF file, texts that it is to answer, and the recipe over both; the recipe's path."""
    gguf_files.write(folder / "tiny.gguf", tiny.causal_lm("llama", vocab_size=gguf_files.PIECES))
    # Unicode's line separator ends no line of a file of predictions.
    rows = [dict(zip(columns, (f"Say {'ab'[i % 2]}\u2028{i}", "xy"[i % 2]), strict=True)) for i in range(120)]
    (folder / "talk.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    raw = {
        "task": task,
        "model": {"name": f"file:{folder / 'tiny.gguf'}"},
        "data": {"source": f"file:{folder / 'talk.jsonl'}"},
        "options": {"max_new_tokens": 4, "tested": 7},
        "method": {"name": "lora"},
        "train": {
            "epochs": 2,
            "batch_size": 8,
            "micro_batch_size": 4,
            "max_length": 60,
            "precision": "fp32",
            "threads": 1,
        },
        "evaluate": {"batch_size": 3},
    }
    file = folder / f"lora_{task}.yaml"
    file.write_text(yaml.safe_dump(raw), encoding="utf8")
    return file


def test_a_dialogue_runs_from_a_gguf_file_to_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    file = write(tmp_path, "dialogue", ("prompt", "completion"))
    path = run.run(recipe.load_recipe(file), tmp_path / "out")
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    assert result["round_trip"]["reproduced"]
    test = result["metrics"]["test"]
    assert {"bleu", "distinct_1", "distinct_2", "perplexity"} <= test.keys()
    assert all("|search:greedy|new:4|" in value["signature"] for value in test.values())
    assert 1 < test["perplexity"]["value"] < gguf_files.PIECES
    assert test["perplexity"]["examples"] == 7
    assert result["baselines"].keys() == {"most_frequent_reply", "nearest_answer"}
    assert result["baselines"]["nearest_answer"].keys() == {"bleu", "distinct_1", "distinct_2"}
    scores = [point["validation"] for point in result["curve"] if "validation" in point]
    assert [{*each} for each in scores] == [{"loss"}, {"loss", *result["metrics"]["validation"]}], "metrics take long"
    perplexity = result["metrics"]["validation"]["perplexity"]["value"]
    assert math.exp(scores[1]["loss"]) == pytest.approx(perplexity, rel=1e-4)
    assert any("test is 7 of" in note for note in result["notes"])
    samples = result["samples"]
    assert len(samples) == score.SAMPLES
    lines = (path.with_suffix("") / "predictions.jsonl").read_text(encoding="utf8").split("\n")
    for sample, line in zip(samples, map(json.loads, lines), strict=False):
        assert sample["prompt"].startswith("Say ")
        assert sample["reference"] == line["reference"]
        assert sample["prediction"] == line["prediction"]
        assert sample["prediction"].keys() == {"text", "nll", "pieces"}
        assert line["prediction"]["pieces"] == 2
