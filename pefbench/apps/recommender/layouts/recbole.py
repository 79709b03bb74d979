"""RecBole's atomic files (Zhao et al. 2021): *.inter and *.item. Items with equal texts are one item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.apps.recommender.events import UNREADABLE, Event, Skips
from pefbench.apps.recommender.layout import Layout
from pefbench.sources import BadRows, read_rows

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, skips: Skips) -> tuple[list[Event], dict[str, str]]:
    """The events, and the items' titles and genres."""
    bad, events = BadRows(skip=True), []
    for row in read_rows(f"file:{folder}", format="movielens", bad=bad).rows:
        user = str(row.values["user"])
        taken = zip(row.values["timestamps"], row.values["items"], strict=True)
        events += [Event(float(time), user, str(item)) for time, item in taken]
    for told in bad.found:
        skips(UNREADABLE, told.partition(": ")[0])
    return events, {each.item: each.item for each in events}


LAYOUT = Layout(("*.inter", "*.item"), read)
