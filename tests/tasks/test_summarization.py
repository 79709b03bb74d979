"""Summarization: texts with their summaries, split by package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.heads._generation_answers import GenerationAnswers
from pefbench.heads.search import Search
from pefbench.sources import BadRows, Row
from pefbench.tasks.summarization import TASK
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path


def read(*given: dict[str, Any], skip: bool = False) -> Any:
    rows = [Row(dict.fromkeys(TASK.columns) | values, "x.json", i) for i, values in enumerate(given, start=1)]
    made: Any = TASK.read({"train": rows}, BadRows(skip=skip), max_new_tokens=8, num_beams=1, tested=None)
    return made


def test_a_text_is_asked_for_its_summary_and_its_beginning_stays() -> None:
    made = read({"document": "A long text. More.", "summary": "Text."})
    [example] = made.splits["train"]
    assert (example.instruction, example.prompt, example.target) == ("summarize: ", "A long text. More.", "Text.")
    assert made.keep == "start"


def test_summaries_of_one_text_are_a_cluster() -> None:
    given = [{"document": text, "summary": f"of {text} {i}"} for i, text in enumerate(("a", "b", "a"))]
    assert GenerationAnswers(Search()).clusters(read(*given).splits["train"]) == ["a", "#1", "a"]


@pytest.mark.parametrize(
    "values", [{"document": "a"}, {"document": " ", "summary": "b"}, {"document": 1, "summary": "b"}]
)
def test_a_bad_row_is_named_or_left_out(values: dict[str, Any]) -> None:
    good = {"document": "a", "summary": "b"}
    with pytest.raises(DataError, match=r"x\.json:2: (document|summary) should be a non-empty text"):
        read(good, values)
    assert len(read(good, values, skip=True).splits["train"]) == 1


@pytest.mark.parametrize("columns", [("document", "summary"), ("dialogue", "summary"), ("article", "highlights")])
def test_usual_columns_are_known_and_no_text_is_on_two_sides(tmp_path: Path, columns: tuple[str, str]) -> None:
    rows = [dict(zip(columns, (f"Text {i % 60}", f"Sum {i}"), strict=True)) for i in range(120)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    splits = loading.load("summarization", tmp_path / "x.jsonl").dataset.splits
    sides = [{each.prompt for each in found} for found in splits.values()]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 60
