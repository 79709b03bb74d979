"""What `pefbench run` prints at the end: it fits on one screen, and every line is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pefbench.analysis.tables import brief, summary
from pefbench.analysis.tables.brief import MOST_CLASSES
from pefbench.paths import PROJECT
from pefbench.results import store
from pefbench.results.store import Stored
from tests.sample_results import failed_sample, sample

if TYPE_CHECKING:
    from pefbench.results.schema import Result

BASELINE = [  # by the paths that a run in the checkout prints, however deep the checkout lies
    Stored(each.path.relative_to(PROJECT), each.result)
    for each in store.load_results(PROJECT / "results" / "baseline").results
]


def at(result: Result) -> Stored:
    return Stored(Path("results", result["recipe"]["name"], f"{result['id']}.json"), result)


@pytest.mark.parametrize("stored", BASELINE, ids=lambda stored: stored.result["recipe"]["name"])
def test_every_recipe_of_ours_ends_on_one_screen(stored: Stored) -> None:
    lines = brief(stored).splitlines()
    assert len(lines) <= 45
    assert max(len(line) for line in lines if not line.startswith("warning: ")) <= 120


def test_the_demo_fits_in_forty_lines() -> None:
    seeds = [stored for stored in BASELINE if stored.result["recipe"]["name"] == "lora_ner"]
    [demo] = [stored for stored in seeds if stored.result["recipe"]["train"]["seed"] == 0]
    lines = brief(demo).splitlines()
    assert len([line for line in lines if not line.startswith("warning: ")]) <= 40  # a warning is a line of its own
    assert lines[2].split()[:3] == ["entity_f1", "0.482", "[0.392,"]
    assert lines[3].startswith("baseline    0.264 [0.193, 0.350]  word_tags, the best baseline: shown to be beaten")
    for shown in ("company", "weighted avg", "340 k of 22.6 M weights", "1.4 MB", "964 steps", "1.7 GB", "next:"):
        assert shown in "\n".join(lines)
    assert f"result       {demo.path}" in lines
    assert f"pefbench report {demo.path.parent.parent} --out report.html" in "\n".join(lines)
    assert "token_report" not in brief(demo)
    assert "token_report" in summary(demo)


def test_a_baseline_that_is_as_good_is_said() -> None:
    result = sample()
    name = result["headline"]
    result["baselines"] = {"words": {name: result["metrics"]["test"][name] | {"value": 0.5}}}
    assert "words, the best baseline: not shown to be beaten" in brief(at(result))
    result["baselines"] = {}
    assert "best baseline" not in brief(at(result))


def test_many_classes_are_cut_to_those_with_most_examples() -> None:
    result = sample()
    row = {"precision": 1.0, "recall": 1.0, "f1-score": 1.0, "support": 0}
    name = next(iter(result["report"]))
    result["report"][name]["classes"] = {f"class_{i}": row | {"support": i} for i in range(MOST_CLASSES + 2)}  # type: ignore[misc]
    text = brief(at(result))
    assert "2 classes with fewer examples: --verbose" in text
    assert "class_1 " not in text
    assert "class_2 " in text


def test_warnings_and_a_failed_round_trip_are_said() -> None:
    text = brief(at(sample(changes={"warnings": ["3 examples truncated"], "round_trip.reproduced": False})))
    assert "warning: 3 examples truncated" in text
    assert "NOT reproduced" in text


def test_what_comes_next_names_the_store_that_the_user_named() -> None:
    lines = brief(at(sample()), "s3://bucket/results").splitlines()
    assert [line.split()[:3] for line in lines[-3:-1]] == [
        ["pefbench", "report", "s3://bucket/results"],
        ["pefbench", "table", "s3://bucket/results"],
    ]


def test_a_failed_trial_is_told_in_full() -> None:
    failed = at(failed_sample())
    assert brief(failed) == summary(failed)


def test_a_model_that_only_the_store_has_is_no_path_on_this_machine(tmp_path: Path) -> None:
    address = "s3://bucket/results"
    stored = Stored(tmp_path / "lora_ner" / "0123456789ab.json", sample())
    assert f"\nmodel        only in the store, below {address}/lora_ner/0123456789ab\n" in brief(stored, address)
    model = stored.path.parent / "adapter"
    assert f"\nmodel        {model}\n" in brief(stored, tmp_path)
    model.mkdir(parents=True)
    assert f"\nmodel        {model}\n" in brief(stored, address)
