"""RSS and Atom files as items."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pefbench.apps.monitor import items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SUFFIXES = (".rss", ".atom", ".xml")


def read(content: bytes, now: datetime, longest: int) -> Iterator[items.Item | items.Skipped]:
    """The items of a feed: each entry's title, time and id. A file that is no feed is one skip."""
    import feedparser

    found: Any = feedparser.parse(io.BytesIO(content))  # of bytes alone it would open the file of that name
    if not found.entries and not found.get("version"):
        yield items.Skipped(items.digest(content), items.UNREADABLE)
        return
    for entry in found.entries:
        # feedparser takes a time without a zone for UTC, so it is read from what the feed says.
        when = entry.get("published") or entry.get("updated")
        values = {"text": entry.get("title"), "time": when, "id": entry.get("id") or entry.get("link")}
        yield items.of_values(values, now, longest)
