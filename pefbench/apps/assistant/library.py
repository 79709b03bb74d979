"""A running assistant's knowledge: indexed again when its folder changes, while the old index still answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

from pefbench.apps.assistant import knowledge
from pefbench.apps.assistant.retrieval import Index
from pefbench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.apps.embeddings import Embed
    from pefbench.apps.logs import Events

POLL = 1.0
"""Seconds between two checks of the folder."""


@dataclass(frozen=True)
class Shelf:
    """What was read from the folder. skipped: a line about each row that could not be read."""

    index: Index
    skipped: list[str]


class Library:
    """A folder's entries, searchable. stored: see `Index`.

    shelf: the latest version that could be read. refused: why the current one could not; None if it is the latest.
    """

    def __init__(self, folder: Path, embed: Embed, stored: Embed, events: Events) -> None:
        self._folder, self._events, self._ended = folder, events, Event()
        self._embed, self._stored, self._named = embed, stored, set[str]()
        self.refused: str | None = None
        seen = self._stamp_or_reason()
        self.shelf = self._read()
        self._watcher = Thread(target=self._watch, args=(seen,), name="knowledge", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching the folder."""
        self._ended.set()
        self._watcher.join()

    def _read(self) -> Shelf:
        entries, skipped = knowledge.read(self._folder)
        self._events("knowledge read", entries=len(entries), skipped=len(skipped))
        for told in skipped:
            if told not in self._named:  # each row once, however often the folder changes
                self._events("skipped", logging.WARNING, why=told)
        self._named = {*skipped}
        return Shelf(Index(entries, self._embed, self._stored), skipped)

    def _watch(self, seen: knowledge.Stamp | str) -> None:
        """Read the folder again whenever it changes. A failure is logged once, and the old index stays."""
        while not self._ended.wait(POLL):
            now = self._stamp_or_reason()
            if now == seen:
                continue
            seen = now
            try:
                self.shelf, self.refused = self._read(), None
            except Exception as error:  # noqa: BLE001 - whatever it is, the next change may fix it
                self.refused = str(error) or type(error).__name__
                self._events("knowledge refused", logging.WARNING, reason=self.refused)

    def _stamp_or_reason(self) -> knowledge.Stamp | str:
        try:
            return knowledge.stamp(self._folder)
        except (UserError, OSError) as error:
            return str(error)
