"""A running assistant's knowledge: indexed again when its folder changes, while the old index still answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

import numpy as np

from pefbench.apps.assistant import knowledge
from pefbench.apps.assistant.retrieval import Index
from pefbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pefbench.apps.assistant.retrieval import Embed
    from pefbench.apps.logs import Events

POLL = 1.0
"""Seconds between two checks of the folder."""


@dataclass(frozen=True)
class Shelf:
    """What was read from the folder. skipped: a line about each row that could not be read."""

    index: Index
    skipped: list[str]


class Library:
    """A folder's entries, searchable. shelf: the latest version that could be read."""

    def __init__(self, folder: Path, embed: Embed, events: Events) -> None:
        self._folder, self._events, self._ended = folder, events, Event()
        self._embed, self._named = Remembered(embed), set[str]()
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
        return Shelf(Index(entries, self._embed), skipped)

    def _watch(self, seen: knowledge.Stamp | str) -> None:
        """Read the folder again whenever it changes. A failure is logged once, and the old index stays."""
        while not self._ended.wait(POLL):
            now = self._stamp_or_reason()
            if now == seen:
                continue
            seen = now
            try:
                self.shelf = self._read()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next change may fix it
                self._events("knowledge refused", reason=str(error) or type(error).__name__)

    def _stamp_or_reason(self) -> knowledge.Stamp | str:
        try:
            return knowledge.stamp(self._folder)
        except (UserError, OSError) as error:
            return str(error)


class Remembered:
    """Caches the embeddings of texts."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Each text's vector: (n, width)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = dict(zip(new, self._embed(new), strict=True)) if new else {}
        if len(texts) > 1:  # a single text is a user's question, which is not cached
            self._known |= found
        return np.stack([found[text] if text in found else self._known[text] for text in texts])
