"""The monitor: counts each item once, in its own period, and judges closed periods."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from time import monotonic, time
from typing import TYPE_CHECKING

from pefbench.apps.monitor import periods
from pefbench.apps.monitor.companies import Companies
from pefbench.apps.monitor.items import Item
from pefbench.apps.monitor.judging import Judge
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.apps.monitor.config import MonitorSection
    from pefbench.apps.monitor.folder import Part
    from pefbench.apps.monitor.items import Skipped
    from pefbench.apps.monitor.opinion import Classifier
    from pefbench.apps.monitor.store import Store

BATCH = 256
"""How many items are classified and stored together."""
CLOSED, NEWEST, PERIOD = "closed", "newest", "period"
"""Facts in the store: the period before which all are closed; the newest item's time; the length of a period."""


@dataclass
class Taken:
    """The outcome of incoming entries. skipped: counts by reason; new: entries skipped for the first time."""

    taken: int = 0
    repeated: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    new: list[Skipped] = field(default_factory=list)


class Monitor:
    """Reads, counts and judges. Raises DataError if the store counts periods of another length."""

    def __init__(self, store: Store, classify: Classifier, config: MonitorSection, channels: Sequence[str]) -> None:
        self.store, self._classify, self.length = store, classify, config.period
        self.judge = Judge(store, config.quiet, config.false_alarms, channels)
        self._about = Companies(config.companies)
        self._lateness = round(config.lateness * 3600)
        self._lock = RLock()
        self._heard = monotonic()
        self._late = True  # there may be work left by a crash
        with store.transaction():
            if (kept := store.fact(PERIOD) or self.length) != self.length:
                raise DataError(
                    f"period: {config.folder} counts by {kept}; use another folder to count by {self.length}"
                )
            store.set_fact(PERIOD, self.length)
        self._closed = int(store.fact(CLOSED) or -(2**40))
        self._newest = int(store.fact(NEWEST) or -(2**40))

    def take(self, entries: Sequence[Item | Skipped], part: Part | None = None) -> Taken:
        """Take entries; they are stored when this returns. part: the part of a file from which they come."""
        entries = self._about(entries)
        with self._lock:
            done = Taken()
            for first in range(0, max(len(entries), 1), BATCH):
                last = first + BATCH >= len(entries)
                self._take(entries[first : first + BATCH], part if last else None, done)
            return done

    def settle(self, *, ended: bool = False) -> None:
        """Judge series that late items have changed, once no more entries are waiting.

        The clock closes periods if the input has ended, or if nothing arrived for as long as late items are awaited.
        """
        with self._lock:
            idle = ended or monotonic() - self._heard > max(self._lateness, 60)
            closed = periods.number(int(time()) - self._lateness, self.length) if idle else self._closed
            if self._late or closed > self._closed:
                with self._transaction():
                    self._close(max(closed, self._closed))
                self._late = False

    def _take(self, entries: Sequence[Item | Skipped], part: Part | None, done: Taken) -> None:
        """Take one batch."""
        items = {entry.key: entry for entry in entries if isinstance(entry, Item)}
        known = self.store.known([*items])
        fresh = [item for key, item in items.items() if key not in known]
        opinions = dict(zip([item.key for item in fresh], self._classify(fresh) if fresh else [], strict=True))
        taken, newest, closed = 0, self._newest, self._closed
        new: list[Skipped] = []
        try:
            with self._transaction():
                for entry in entries:
                    if not isinstance(entry, Item):
                        new += [entry] if self.store.skip(entry) else []
                    elif (opinion := opinions.pop(entry.key, None)) is not None:
                        self._advance(entry.time)
                        period = periods.number(entry.time, self.length)
                        self.judge.late(self.store.add(entry, opinion, period), period)
                        self._late |= period < self._closed
                        taken += 1
                self.store.set_fact(NEWEST, str(self._newest))
                if part:
                    self.store.read_to(part.file, part.version, part.position)
        except BaseException:
            self._newest, self._closed = newest, closed
            raise
        if taken:
            self._heard = monotonic()
        done.taken += taken
        done.new += new
        done.skipped.update(entry.reason for entry in entries if not isinstance(entry, Item))
        done.repeated += sum(isinstance(entry, Item) for entry in entries) - taken

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """A transaction of the store; if it fails, its judgements are forgotten."""
        try:
            with self.store.transaction():
                yield
        except BaseException:
            self.judge.forget()
            raise

    def _advance(self, seconds: int) -> None:
        """Close the periods that an item of this time shows to be over, before the item is counted."""
        self._newest = max(self._newest, seconds)
        closed = periods.number(self._newest - self._lateness, self.length)
        if closed > self._closed:
            self._close(closed)

    def _close(self, closed: int) -> None:
        self.judge.judge(closed)
        self._closed = closed
        self.store.set_fact(CLOSED, str(closed))
