"""MovieLens latest (small or full) and 25M: ratings.csv and movies.csv; Harper and Konstan 2015."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.apps.recommender.events import NO_TEXT, Event, Skips, event, written
from pefbench.apps.recommender.layout import Layout, titled
from pefbench.apps.recommender.layouts.table import rows

if TYPE_CHECKING:
    from pathlib import Path

NO_GENRES = "(no genres listed)"


def read(folder: Path, skips: Skips) -> tuple[list[Event], dict[str, str]]:
    """The events, and the films' titles and genres."""
    texts = {}
    for where, film in rows(folder / "movies.csv", skips):
        title, genres = written(film.get("title")), written(film.get("genres"))
        if title:
            listed = genres.split("|") if genres not in {"", NO_GENRES} else []
            texts[written(film.get("movieId"))] = titled(title, listed)
        else:
            skips(NO_TEXT, where)
    events = []
    for where, row in rows(folder / "ratings.csv", skips):
        with skips.counting(where):
            events.append(event(row.get("userId"), row.get("movieId"), row.get("timestamp"), texts))
    return events, texts


LAYOUT = Layout(("ratings.csv", "movies.csv"), read)
