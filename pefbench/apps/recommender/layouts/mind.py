"""MIND (Wu et al. 2020): behaviors.tsv and news.tsv; a click is an event, and an item's text is its title.

Histories have no times: they get the time of the user's first line. MIND's times have no zone but use one clock; they
are read as UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pefbench.apps.recommender.events import NO_TEXT, NO_USER, WRONG_TIME, Event, Skips
from pefbench.apps.recommender.layout import Layout, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TIME = "%m/%d/%Y %I:%M:%S %p"


def read(folder: Path, skips: Skips) -> tuple[list[Event], dict[str, str]]:
    """The events, and the titles of the news."""
    news = ((where, fields[0], fields[3].strip()) for where, fields in lines(folder / "news.tsv", "\t", 8, skips))
    texts = {}
    for where, item, title in news:
        if title:
            texts[item] = title
        else:
            skips(NO_TEXT, where)
    lived = []
    for where, (_, user, time, history, shown) in lines(folder / "behaviors.tsv", "\t", 5, skips):
        try:
            lived.append((datetime.strptime(time, TIME).replace(tzinfo=UTC).timestamp(), user, history, shown, where))
        except ValueError:
            skips(WRONG_TIME, where)
    return list(_events(sorted(lived), texts, skips)), texts


def _events(lived: list[tuple[float, str, str, str, str]], texts: Mapping[str, str], skips: Skips) -> Iterator[Event]:
    """The events of impressions, which must be in order."""
    known: set[str] = set()
    for time, user, history, shown, where in lived:
        clicked = [each.removesuffix("-1") for each in shown.split() if each.endswith("-1")]
        before = history.split() if user not in known else []
        known.add(user)
        for item in (*before, *clicked):
            if user and item in texts:
                yield Event(time, user, item)
            else:
                skips(NO_TEXT if user else NO_USER, where)


LAYOUT = Layout(("behaviors.tsv", "news.tsv"), read)
