"""Home Assistant's templates, expanded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.derived import _home_words as home_words
from pefbench.sources.derived.home_assistant import LIMIT, read_home_assistant
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

LISTS = {
    "color": {"values": [{"in": "[light] red", "out": "red"}, "green"]},
    "timer": {"range": {"from": 2, "to": 6, "step": 2}},
    "area": {"wildcard": True},
    "odd": {"range": {"from": 1}},
    "circle": {"values": ["{circle}"]},
    "mystery": {"wildcard": True},
}
RULES = {"the": "(the|my)", "loop": "a <pool>", "pool": "<loop>"}


def document(*sentences: str, **block: Any) -> dict[str, Any]:
    intents = {"Paint": {"data": [{"sentences": ["paint it {color}"]}, {"sentences": list(sentences)} | block]}}
    return {"language": "en", "lists": LISTS, "expansion_rules": RULES, "intents": intents}


def read(document: Any, bad: BadRows | None = None) -> list[tuple[Any, ...]]:
    rows = read_home_assistant(json.dumps(document), "en.json", bad or BadRows()).rows
    return [(row.line, *row.values.values()) for row in rows]


def test_a_row_is_a_sentence_with_its_intent_and_its_template() -> None:
    assert read(document("wait {timer:hours}", "wait for <the> light")) == [
        (1, "paint it light red", "Paint", "Paint/1"),
        (1, "paint it red", "Paint", "Paint/1"),
        (1, "paint it green", "Paint", "Paint/1"),
        (2, "wait 2", "Paint", "Paint/2"),
        (2, "wait 4", "Paint", "Paint/2"),
        (2, "wait 6", "Paint", "Paint/2"),
        (3, "wait for the light", "Paint", "Paint/3"),
        (3, "wait for my light", "Paint", "Paint/3"),
    ]


def test_a_template_gives_no_more_than_the_limit_and_the_same_in_any_company() -> None:
    rows = [row for row in read(document("go to {area} {color} {timer}")) if row[0] == 2]
    assert len(rows) == LIMIT
    other = [row for row in read(document("stay", "go to {area} {color} {timer}")) if row[0] == 3]
    assert [row[1] for row in rows] == [row[1] for row in other]


@pytest.mark.parametrize("block", [{"requires_context": {"domain": ["lock"]}}, {"slots": {"domain": "lock"}}])
def test_names_are_those_of_the_kinds_of_device_that_are_asked_for(block: dict[str, Any]) -> None:
    rows = read(document("lock {name}", **block))
    assert [row[1] for row in rows[3:]] == [f"lock {name}" for name in home_words.DEVICES["lock"]]


def test_a_sentence_comes_once_and_none_with_two_intents() -> None:
    both = document("go", "Go", "stay")
    both["intents"]["Rest"] = {"data": [{"sentences": ["STAY", "sleep"]}]}
    assert [row[1:] for row in read(both)[3:]] == [("go", "Paint", "Paint/2"), ("sleep", "Rest", "Rest/2")]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("<nothing>", "no rule <nothing>"),
        ("<loop>", "the rule <loop> contains itself"),
        ("{circle}", "the list {circle} contains itself"),
        ("{mystery}", "no values for the list {mystery}"),
        ("{odd}", "the list {odd} has neither values nor a range that can be read"),
        ("(a", "a ) is missing"),
    ],
)
def test_a_bad_template_is_named_or_left_out(sentence: str, expected: str) -> None:
    given = document(sentence, "fine")
    message = refusal(DataError, read, given)
    assert message == f"en.json:2: {expected}, in the template {sentence!r}"
    bad = BadRows(skip=True)
    assert read(given, bad)[-1][1] == "fine"
    assert bad.found == [message]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"language": "de"}, "en.json: should hold English templates"),
        ({"intents": []}, "en.json: should have an object under 'intents'"),
        ({"lists": None}, "en.json: should have an object under 'lists'"),
        ({"intents": {"Paint": {}}}, "en.json: the intent Paint: should be an object with a list under 'data'"),
        ({"intents": {"Paint": {"data": [{}]}}}, "en.json: the intent Paint: should be an object with a list under"),
    ],
)
def test_another_layout_is_refused(change: dict[str, Any], expected: str) -> None:
    assert refusal(DataError, read, document() | change).startswith(expected)


def test_it_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text(json.dumps(document("stay")), encoding="utf-8")
    assert read_rows(f"file:{tmp_path}/en.json").columns == ("text", "label", "template")


def test_every_list_of_the_home_holds_different_words() -> None:
    for words in (*home_words.OPEN_LISTS.values(), *home_words.DEVICES.values()):
        assert len(set(words)) == len(words) >= 2
    assert set(home_words.values("name", [])) >= set(home_words.DEVICES["light"])
    assert home_words.values("name", ["light", "spaceship"]) == home_words.DEVICES["light"]
    assert home_words.values("unknown", []) == ()
