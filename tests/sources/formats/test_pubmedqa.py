"""PubMedQA's own file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.formats.pubmedqa import read_pubmedqa
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "QUESTION": "Does it help?",
    "CONTEXTS": ["We asked.", "It did."],
    "LABELS": ["AIM", "RESULTS"],
    "LONG_ANSWER": "Yes, it helps.",
    "final_decision": "yes",
}


def pubmedqa(*questions: Any) -> str:
    return json.dumps({str(100 + i): question for i, question in enumerate(questions)}, indent=4)


def test_a_question_has_its_abstract_and_decision_and_no_long_answer() -> None:
    rows = read_pubmedqa(pubmedqa(GOOD, GOOD | {"final_decision": "maybe"}), "x.json", BadRows())
    assert rows.columns == ("pubid", "question", "context", "final_decision")
    assert [row.where for row in rows.rows] == ["x.json:1", "x.json:2"]
    assert rows.rows[1].values == {
        "pubid": "101",
        "question": "Does it help?",
        "context": {"contexts": ["We asked.", "It did."]},
        "final_decision": "maybe",
    }


def test_it_is_known_by_its_content_and_other_json_is_not(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(pubmedqa(GOOD), encoding="utf-8")
    assert read_rows(f"file:{file}").rows[0].values["question"] == "Does it help?"
    other = [{"text": '"QUESTION" and "CONTEXTS"', "label": "b"}]
    file.write_text(json.dumps(other), encoding="utf-8")
    assert [row.values for row in read_rows(f"file:{file}").rows] == other


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Does it?", "x.json:2: a question must be an object"),
        (GOOD | {"QUESTION": " "}, "x.json:2: 'QUESTION' should be text"),
        (GOOD | {"CONTEXTS": []}, "x.json:2: 'CONTEXTS' should be a list of texts"),
        (GOOD | {"CONTEXTS": "We asked."}, "x.json:2: 'CONTEXTS' should be a list of texts"),
    ],
)
def test_a_bad_question_is_named_or_left_out(question: Any, expected: str) -> None:
    text = pubmedqa(GOOD, question, GOOD)
    assert refusal(DataError, read_pubmedqa, text, "x.json", BadRows()).startswith(expected)
    bad = BadRows(skip=True)
    assert [row.line for row in read_pubmedqa(text, "x.json", bad).rows] == [1, 3]
    assert [found.startswith(expected) for found in bad.found] == [True]


def test_another_layout_is_refused() -> None:
    assert "should be an object of questions" in refusal(DataError, read_pubmedqa, "[]", "x.json", BadRows())
