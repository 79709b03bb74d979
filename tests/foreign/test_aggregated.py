"""The results file of lm-evaluation-harness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pefbench.errors import DataError
from pefbench.foreign.aggregated import Aggregated, date_of, is_one, moment_of
from tests.foreign.foreign_files import DATE, aggregated

PATH = Path(f"results_{DATE}.json")


def file(scores: dict[str, Any], **changes: Any) -> Aggregated:
    return Aggregated(PATH, aggregated("task", scores, 10, **changes))


def test_scores_and_their_errors_by_metric_and_filter() -> None:
    found = file(
        {
            "exact_match,strict": 0.5,
            "exact_match_stderr,strict": 0.1,
            "exact_match,flexible": 0.7,
            "exact_match_stderr,flexible": "N/A",
            "sample_len": 10,
        }
    )
    assert found.scores("task") == {("exact_match", "strict"): 0.5, ("exact_match", "flexible"): 0.7}
    assert found.errors("task") == {("exact_match", "strict"): 0.1}


def test_scores_before_filters() -> None:
    assert file({"acc": 0.5, "acc_stderr": 0.1}).scores("task") == {("acc", "none"): 0.5}


def test_a_score_that_is_nan_is_refused_and_an_error_that_is_nan_is_none() -> None:
    with pytest.raises(DataError, match=r"task: acc,none is nan, which is not a score"):
        file({"acc,none": float("nan")}).scores("task")
    assert file({"acc,none": 0.5, "acc_stderr,none": float("nan")}).errors("task") == {}


def test_groups_are_no_tasks() -> None:
    value = aggregated("anatomy", {"acc,none": 0.5}, 10, group_subtasks={"mmlu": ["anatomy"], "anatomy": []})
    value["results"]["mmlu"] = {"acc,none": 0.5}
    assert Aggregated(PATH, value).tasks == ["anatomy"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "my/adapter"),
        ({"model_name": ...}, "my/adapter"),
        ({"model_name": ..., "config": {"model_args": {"pretrained": "base"}}}, "base"),
        ({"model_name": ..., "config": {"model_args": "pretrained=base,revision=step1000"}}, "base@step1000"),
        ({"model_name": "base", "config": {"model_args": "pretrained=base,revision=main"}}, "base"),
        ({"model_name": "base", "config": {"model_args": "pretrained=base,revision=v2"}}, "base@v2"),
        ({"model_name": ..., "config": {"model_args": ""}}, None),
        ({"model_name": ..., "config": ...}, None),
    ],
)
def test_the_name_of_the_model(changes: dict[str, Any], name: str | None) -> None:
    assert file({"acc,none": 0.5}, **changes).model == name


def test_the_version_or_else_the_commit() -> None:
    assert file({"acc,none": 0.5}).version == "0.4.9"
    assert file({"acc,none": 0.5}, lm_eval_version=..., git_hash="0230356").version == "0230356"
    assert file({"acc,none": 0.5}, lm_eval_version=...).version is None


def test_the_date_in_a_name() -> None:
    assert date_of(PATH) == f"_{DATE}"
    assert moment_of(PATH) == "2025-06-19T19:15:35+00:00"
    assert date_of(Path("results.json")) == ""


def test_what_is_a_results_file() -> None:
    assert is_one(aggregated("task", {"acc": 1}, 1))
    assert not is_one({"results": {"a": {}}})
    assert not is_one([1])
