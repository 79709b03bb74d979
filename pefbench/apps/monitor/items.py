"""Items: dated texts, possibly about a company. Anything else is skipped, with a reason."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from pefbench.apps.times import read_time

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "text": ("text", "title", "headline"),
    "time": ("time", "date", "published"),
    "company": ("company",),
    "id": ("id",),
}
"""The fields of an item -> their usual names, the most likely first."""
EARLY = timedelta(hours=1)
"""How far in the future an item may be, as clocks differ. An item of next year would close all earlier periods."""

UNREADABLE = "unreadable"
NO_TEXT = "no text"
TOO_LONG = "text too long"
NO_TIME = "no time"
NO_ZONE = "time without zone"
WRONG_TIME = "unreadable time"
FUTURE = "time in the future"
WRONG_COMPANY = "unreadable company"
WRONG_ID = "unreadable id"


@dataclass(frozen=True)
class Item:
    """A text and its time, in seconds since 1970.

    key: identifies it, also if it arrives again. categories: its categories in a feed.
    """

    key: str
    text: str
    time: int
    company: str | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """An entry that is not an item. key: as for an item, so that it counts once. where: its place, for messages."""

    key: str
    reason: str
    where: str


def of_value(value: Any, now: datetime, longest: int, where: str) -> Item | Skipped:
    """The item in a JSON value. Raises RecursionError if it is nested too deeply for Python."""
    return of_line(json.dumps(value, sort_keys=True).encode(), now, longest, where)


def of_line(line: bytes, now: datetime, longest: int, where: str) -> Item | Skipped:
    """The item in a JSONL line; its fields have their usual names. longest: the most characters of a text."""
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        return Skipped(digest(line), UNREADABLE, where)
    found = {field: _first(values, names) for field, names in NAMES.items()}
    reason, when = _wrong(found, now, longest)
    if reason is not None or when is None:
        return Skipped(digest(line), reason or NO_TIME, where)
    text, company = str(found["text"]).strip(), found["company"]
    company = unicodedata.normalize("NFC", company.strip()) or None if company else None
    seconds = int(when.timestamp())
    given = found["id"]
    # Two sources may use the same ids, so items are equal only if their companies are equal, too.
    identity = [str(given)] if given not in {None, ""} else [text, seconds]
    return Item(digest(orjson.dumps([*identity, company])), text, seconds, company)


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _wrong(found: Mapping[str, Any], now: datetime, longest: int) -> tuple[str | None, datetime | None]:
    """Why these fields are not an item, or else the item's time."""
    text, company, given = found["text"], found["company"], found["id"]
    when = read_time(found["time"])
    wrong = {
        NO_TEXT: not isinstance(text, str) or not text.strip(),
        TOO_LONG: isinstance(text, str) and len(text) > longest,
        WRONG_COMPANY: company is not None and not isinstance(company, str),
        WRONG_ID: given is not None and (isinstance(given, bool) or not isinstance(given, str | int)),
        NO_TIME: found["time"] is None,
        WRONG_TIME: when is None,
        NO_ZONE: when is not None and when.tzinfo is None,
    }
    if when is None or any(wrong.values()):
        return next(reason for reason, holds in wrong.items() if holds), None
    try:
        return (FUTURE, None) if when > now + EARLY else (None, when.astimezone(UTC))
    except OverflowError:  # the year 0 or 10000 in UTC
        return WRONG_TIME, None


def digest(content: bytes) -> str:
    """A short hash of the content."""
    return hashlib.sha256(content).hexdigest()[:32]
