"""MovieLens 1M and 10M: ratings.dat and movies.dat, fields between double colons; Harper and Konstan 2015."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.apps.recommender.events import Event, Skips, event
from pefbench.apps.recommender.layout import Layout, encoding, lines, titled

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, skips: Skips) -> tuple[list[Event], dict[str, str]]:
    """The events, and the films' titles and genres."""
    file = folder / "movies.dat"
    films = [fields for _, fields in lines(file, "::", 3, skips, encoding(file))]
    texts = {item: titled(title, genres.split("|") if genres else []) for item, title, genres in films}
    events = []
    for where, (user, item, _, time) in lines(folder / "ratings.dat", "::", 4, skips):
        with skips.counting(where):
            events.append(event(user, item, time, texts))
    return events, texts


LAYOUT = Layout(("ratings.dat", "movies.dat"), read)
