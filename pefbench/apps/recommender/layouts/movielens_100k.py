"""MovieLens 100K: u.data (tabs), u.item (bars, a column for each genre) and u.genre; Harper and Konstan 2015."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.apps.recommender.events import Event, Skips, event
from pefbench.apps.recommender.layout import Layout, encoding, lines, titled

if TYPE_CHECKING:
    from pathlib import Path

GENRES_FROM = 5


def read(folder: Path, skips: Skips) -> tuple[list[Event], dict[str, str]]:
    """The events, and the films' titles and genres."""
    genres = [fields[0] for _, fields in lines(folder / "u.genre", "|", 2, Skips())]
    texts = {}
    file = folder / "u.item"
    for _, fields in lines(file, "|", GENRES_FROM + len(genres), skips, encoding(file)):
        flags = zip(genres, fields[GENRES_FROM:], strict=True)
        texts[fields[0]] = titled(fields[1], [genre for genre, flag in flags if flag == "1" and genre != "unknown"])
    events = []
    for where, (user, item, _, time) in lines(folder / "u.data", "\t", 4, skips):
        with skips.counting(where):
            events.append(event(user, item, time, texts))
    return events, texts


LAYOUT = Layout(("u.data", "u.item", "u.genre"), read)
