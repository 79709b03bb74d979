"""Reads RSS and Atom files as items."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.apps.monitor import items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SUFFIXES = (".rss", ".atom", ".xml")
WORLDWIDE = ("urn:", "tag:")
"""Beginnings of ids that are unique without being addresses."""


def read(content: bytes, now: datetime, longest: int, name: str) -> Iterator[items.Item | items.Skipped]:
    """The items of a feed: each entry's title, time, id and categories. A file that is not a feed is a single skip.

    name: the beginning of the skips' places.
    """
    import feedparser

    found: Any = feedparser.parse(io.BytesIO(content))  # given plain bytes, it would try to open a file of that name
    if not found.entries and not found.get("version"):
        yield items.Skipped(items.digest(content), items.UNREADABLE, name)
        return
    for number, entry in enumerate(found.entries, 1):
        # feedparser reads a time without a zone as UTC, so parse the feed's own text instead.
        when = entry.get("published") or entry.get("updated")
        values = {"text": entry.get("title"), "time": when, "id": _id(entry, found.feed, name)}
        found_item = items.of_value(values, now, longest, f"{name}: entry {number}")
        if isinstance(found_item, items.Item):
            found_item = replace(found_item, categories=_categories(entry))
        yield found_item


def _id(entry: Any, feed: Any, name: str) -> str | None:
    """The unique id of an entry: its id or link. An id that is not an address is unique only within its feed.

    A feed is identified by its own address, since its file may have another name each time; without one, by that name.
    """
    given: str | None = entry.get("id") or entry.get("link")
    if not given or "://" in given or given.startswith(WORLDWIDE):
        return given
    return f"{feed.get('id') or feed.get('link') or name} {given}"


def _categories(entry: Any) -> tuple[str, ...]:
    """An entry's categories, as written."""
    return tuple(str(each["term"]) for each in entry.get("tags", ()) if each.get("term"))
