"""Reads histories from a folder or a file of any layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.apps.recommender import layouts
from pefbench.apps.recommender.events import Histories, Skips
from pefbench.errors import DataError
from pefbench.sources import locate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read(source: str, more: str | None = None) -> Histories:
    """The histories in a `wheel:` address, a folder or a file. Raises SourceError or DataError.

    more: a table with columns item and text, with items that nobody took yet.
    """
    path, skips = _located(source), Skips()
    events, texts = layouts.find(path, source).read(path, skips)
    if not events:
        told = skips.told or "it is empty"
        raise DataError(f"{source}: holds no event with a user, an item, a time and a text; {told}")
    if more is not None:
        texts = {**_items(more, skips), **texts}
    return Histories(sorted(events, key=lambda event: event.time), texts, skips)


def _located(source: str) -> Path:
    return locate(source if source.startswith(("wheel:", "file:")) else f"file:{source}")


def _items(source: str, skips: Skips) -> Mapping[str, str]:
    from pefbench.apps.recommender.layouts import table

    return table.items(_located(source), skips)
