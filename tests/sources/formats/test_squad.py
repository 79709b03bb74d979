"""SQuAD 1.1 and 2.0."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.formats.squad import read_squad
from pefbench.tasks.question_answering import TASK
from tests.sources.amounts import files
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = "Élan: the Normans came from Normandy."
GOOD = {"id": "a", "question": "Who came?", "answers": [{"text": "the Normans", "answer_start": 6}]}


def squad(*questions: Any, context: Any = CONTEXT) -> str:
    paragraphs = [{"context": context, "qas": list(questions)}]
    return json.dumps({"version": "v2.0", "data": [{"title": "Normans", "paragraphs": paragraphs}]})


def examples(text: str, bad: BadRows) -> list[Any]:
    """Read a file as the task does."""
    rows = read_squad(text, "x.json", bad).rows
    return list(TASK.read({"train": rows}, bad, **TASK.options().model_dump()).splits["train"])


def test_a_question_has_its_context_and_all_its_answers() -> None:
    twice = GOOD | {"answers": [*GOOD["answers"], {"text": "Normans", "answer_start": 10}]}
    rows = read_squad(squad(GOOD, twice), "x.json", BadRows())
    assert rows.columns == ("question", "context", "answers", "id")
    assert [row.line for row in rows.rows] == [1, 2]
    assert rows.rows[1].values == {
        "question": "Who came?",
        "context": CONTEXT,
        "answers": {"text": ["the Normans", "Normans"], "answer_start": [6, 10]},
        "id": "a",
    }


def test_an_impossible_question_has_no_answers_and_plausible_ones_do_not_count() -> None:
    plausible = {"is_impossible": True, "answers": [], "plausible_answers": GOOD["answers"]}
    both = read_squad(squad(GOOD | plausible, GOOD | {"is_impossible": False}), "x", BadRows()).rows
    assert [row.values["answers"] for row in both] == [
        {"text": [], "answer_start": []},
        {"text": ["the Normans"], "answer_start": [6]},
    ]


@settings(max_examples=files(100))
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.data())
def test_starts_count_characters_of_any_script(context: str, data: st.DataObject) -> None:
    context = f"{context}.\U0001f600é"
    start = data.draw(st.integers(0, len(context) - 1))
    text = context[start : data.draw(st.integers(start + 1, len(context)))]
    question = GOOD | {"answers": [{"text": text, "answer_start": start}]}
    [row] = read_squad(squad(question, context=context), "x", BadRows()).rows
    assert row.values["answers"] == {"text": [text], "answer_start": [start]}


@pytest.mark.parametrize("missing", [{"answers": []}, {"answers": None}, {"answers": [], "is_impossible": False}, {}])
def test_a_question_without_answers_that_is_not_marked_has_none(missing: dict[str, Any]) -> None:
    question = {"id": "a", "question": "Who?"} | missing
    assert read_squad(squad(question), "x.json", BadRows()).rows[0].values["answers"] is None
    assert [example.answers for example in examples(squad(GOOD, question), BadRows())] == [(("the Normans", 6),), ()]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (GOOD | {"answers": [{"text": "Normans", "answer_start": 36}]}, "x.json:2: the answer 'Normans' is not in"),
        (GOOD | {"answers": [{"text": ".", "answer_start": -1}]}, "x.json:2: the answer '.' is not in the context at"),
        (GOOD | {"answers": [{"text": "", "answer_start": 6}]}, "x.json:2: the answer '' is not in the context"),
        (GOOD | {"answers": [{"text": "Norm"}]}, "x.json:2: the answer 'Norm' is in the context 2 times, and answer"),
        (
            GOOD | {"answers": ["Norm"]},
            "x.json:2: the answer 'Norm' is in the context 2 times, and answer_start does not say which",
        ),
        (GOOD | {"answers": {"text": "Norm"}}, "x.json:2: the answer 'Norm' is in the context 2 times, and answer"),
        (GOOD | {"answers": [{"text": 3}]}, "x.json:2: answers should be {'text'"),
        (GOOD | {"answers": 3}, "x.json:2: answers should be {'text'"),
        (GOOD | {"question": "  "}, "x.json:2: 'question' should be text"),
        (GOOD | {"question": None}, "x.json:2: 'question' should be text"),
        ("Who came?", "x.json:2: a question must be an object"),
    ],
)
def test_a_bad_question_is_named_or_left_out(question: Any, expected: str) -> None:
    text = squad(GOOD, question, GOOD)
    assert refusal(DataError, examples, text, BadRows()).startswith(expected)
    bad = BadRows(skip=True)
    assert len(examples(text, bad)) == 2
    assert [found.startswith(expected) for found in bad.found] == [True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"data": [\n{"paragraphs" []}]}', "x.json:2: not JSON"),
        ("[]", "x.json: should be an object with a list under 'data'"),
        ('{"data": [{"title": "a"}]}', "x.json: an article: should be an object with a list under 'paragraphs'"),
        ('{"data": [{"paragraphs": [{"context": "a"}]}]}', "x.json: a paragraph: should be an object with a list"),
        ("[" * 100_000, "x.json: JSON nested too deeply to be read"),
    ],
)
def test_another_layout_is_refused(text: str, expected: str) -> None:
    assert refusal(DataError, read_squad, text, "x.json", BadRows()).startswith(expected)


def test_squad_is_known_by_its_content_and_other_json_is_not(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(squad(GOOD), encoding="utf-8")
    assert read_rows(f"file:{file}").columns == ("question", "context", "answers", "id")
    other = [{"text": 'keys "paragraphs": and "qas": in a text', "label": "b"}]
    file.write_text(json.dumps({"data": other}), encoding="utf-8")
    assert [row.values for row in read_rows(f"file:{file}", text_format="squad").rows] == other
    assert "x.json: an article" in refusal(DataError, read_rows, f"file:{file}", format="squad")
