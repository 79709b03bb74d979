"""Items as people and feeds write them; invalid ones are refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from pefbench.apps.monitor import items
from pefbench.apps.monitor.items import Item, Skipped

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TIME = "2026-11-02T10:00:00Z"


def read(**values: Any) -> Item | Skipped:
    return items.of_line(orjson.dumps(values), NOW, 100, "news.jsonl:1")


def test_an_item_has_its_text_time_and_company() -> None:
    found = read(headline=" Profit falls ", date="Mon, 02 Nov 2026 11:00:00 +0100", company="Acme")
    assert isinstance(found, Item)
    assert (found.text, found.time, found.company) == ("Profit falls", 1793613600, "Acme")


@pytest.mark.parametrize(
    "time", ["2026-11-02T12:00:00+02:00", "20261102T100000Z", "Mon, 2 Nov 2026 10:00:00 -0000", "02 Nov 2026 05:00 EST"]
)
def test_a_time_means_the_same_however_it_is_written(time: str) -> None:
    assert read(text="a", time=time) == read(text="a", time=TIME)


def test_an_item_is_known_by_its_id_or_by_what_it_says() -> None:
    first = read(text="a", time=TIME)
    assert read(text="a ", time="2026-11-02T11:00:00+01:00") == first
    assert read(text="b", time=TIME) != first
    assert read(text="a", time=TIME, id=1) != first
    keys = {getattr(read(text=text, time=TIME, id="1"), "key", "") for text in ("a", "A correction")}
    assert len(keys) == 1
    assert read(text="a", time=TIME, company="Acme") != first  # news of two is an item of each


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"time": TIME}, items.NO_TEXT),
        ({"text": " ", "time": TIME}, items.NO_TEXT),
        ({"text": 3, "time": TIME}, items.NO_TEXT),
        ({"text": "a" * 101, "time": TIME}, items.TOO_LONG),
        ({"text": "a"}, items.NO_TIME),
        ({"text": "a", "time": "2026-11-02T10:00:00"}, items.NO_ZONE),
        ({"text": "a", "time": "2026-11-02"}, items.NO_ZONE),
        ({"text": "a", "time": "Mon, 02 Nov 2026 10:00:00"}, items.NO_ZONE),
        ({"text": "a", "time": "yesterday"}, items.WRONG_TIME),
        ({"text": "a", "time": 1793613600}, items.WRONG_TIME),  # seconds or milliseconds, nobody says
        ({"text": "a", "time": "0001-01-01T00:00:00+10:00"}, items.WRONG_TIME),
        ({"text": "a", "time": "2026-11-29T13:00:01Z"}, items.FUTURE),
        ({"text": "a", "time": TIME, "company": 5}, items.WRONG_COMPANY),
        ({"text": "a", "time": TIME, "id": [1]}, items.WRONG_ID),
    ],
)
def test_what_is_no_item_is_skipped_by_name(values: dict[str, Any], reason: str) -> None:
    found = read(**values)
    assert isinstance(found, Skipped)
    assert found.reason == reason
    assert read(**values) == found  # so that it counts once, too


@pytest.mark.parametrize(
    "line", [b"", b"{", b"\xff\xfe", b"[1]", b"null", b'{"text": "\\ud800"}', b"[" * 10_000, b'{"id": ' + b"[" * 2000]
)
def test_a_line_that_is_no_object_is_unreadable(line: bytes) -> None:
    found = items.of_line(line, NOW, 100, "news.jsonl:1")
    assert isinstance(found, Skipped)
    assert (found.reason, found.where) == (items.UNREADABLE, "news.jsonl:1")


@pytest.mark.parametrize("value", [3, None, ["a"], {"text": "a\ud800", "time": TIME}, {"text": "a", "id": "\udfff"}])
def test_a_value_that_no_line_could_hold_is_unreadable(value: Any) -> None:
    found = items.of_value(value, NOW, 100, "items.0")
    assert isinstance(found, Skipped)
    assert found.reason == items.UNREADABLE


@pytest.mark.parametrize("depth", [10, 600])
def test_what_lies_deep_in_a_line_changes_nothing(depth: int) -> None:
    deep = b'"note": ' + b"[" * depth + b"]" * depth
    without_time = items.of_line(b'{"text": "a", %b}' % deep, NOW, 100, "")
    assert getattr(without_time, "reason", None) == items.NO_TIME
    assert items.of_line(b'{"text": "a", "time": "%b", %b}' % (TIME.encode(), deep), NOW, 100, "") == read(
        text="a", time=TIME
    )


def test_the_order_of_fields_says_nothing() -> None:
    first, second = {"text": "a", "time": 1}, {"time": 1, "text": "a"}
    assert items.of_value(first, NOW, 100, "") == items.of_value(second, NOW, 100, "")


def test_a_company_of_spaces_is_none() -> None:
    assert read(text="a", time=TIME, company=" ") == read(text="a", time=TIME)
