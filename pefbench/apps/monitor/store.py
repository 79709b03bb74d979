"""The monitor's data, in SQLite: items, counts, alerts, and unsent messages.

Everything that belongs together is written in one transaction, so that a crash leaves all of it or nothing.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pefbench.errors import DataError, HeldError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pefbench import Json
    from pefbench.apps.monitor.items import Item, Skipped
    from pefbench.apps.monitor.opinion import Opinion

UNIT = 10_000
"""Probabilities are stored as integers in units of 1 / UNIT, so that sums do not depend on the order."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS items(
  key TEXT PRIMARY KEY, series INTEGER NOT NULL, period INTEGER NOT NULL, time INTEGER NOT NULL, text TEXT NOT NULL,
  negative INTEGER NOT NULL, abstained INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_of_period ON items(series, period);
CREATE TABLE IF NOT EXISTS skipped(
  key TEXT, reason TEXT, PRIMARY KEY(key, reason)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS series(
  id INTEGER PRIMARY KEY, company TEXT NOT NULL, topic TEXT NOT NULL, quiet TEXT, state TEXT, UNIQUE(company, topic));
CREATE TABLE IF NOT EXISTS counts(
  series INTEGER, period INTEGER, items INTEGER NOT NULL, abstained INTEGER NOT NULL, negative INTEGER NOT NULL,
  squares INTEGER NOT NULL, PRIMARY KEY(series, period)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts(
  id INTEGER PRIMARY KEY, series INTEGER NOT NULL, onset INTEGER NOT NULL, period INTEGER NOT NULL,
  statistic REAL NOT NULL, threshold REAL NOT NULL, UNIQUE(series, period));
CREATE TABLE IF NOT EXISTS outbox(
  alert INTEGER, channel TEXT, tries INTEGER NOT NULL DEFAULT 0, failure TEXT, sent TEXT, PRIMARY KEY(alert, channel))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress(
  file TEXT PRIMARY KEY, version TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts(
  name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Count:
    """A series' items in one period. negative: the sum of their probabilities of being negative; squares: of squares.

    Items that abstained are not in these sums.
    """

    period: int
    items: int
    abstained: int
    negative: float
    squares: float


@dataclass(frozen=True)
class Series:
    """The items of one company on one topic; "" if unknown. quiet, state: stored by the detection."""

    id: int
    company: str
    topic: str
    quiet: Json | None
    state: Json | None


@dataclass(frozen=True)
class Alert:
    """A surge that began at `onset` and was detected in `period`."""

    id: int
    series: int
    onset: int
    period: int
    statistic: float
    threshold: float


class Store:
    """The database in a file, for one process and one thread at a time.

    Raises OutputError, DataError if it is another kind of file, HeldError if another process uses it.
    """

    def __init__(self, file: Path) -> None:
        self.lock, self._file = RLock(), file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._held = FileLock(f"{file}.lock", timeout=0)
            self._held.acquire()
            self._base = _connected(file)
        except Timeout:
            raise HeldError(f"{file}: another process uses it; stop that process, or use another folder") from None
        except sqlite3.DatabaseError as error:
            self._held.release()
            if isinstance(error, sqlite3.OperationalError):
                raise OutputError(f"{file}: cannot be opened: {error}") from None
            raise DataError(f"{file}: is not a database of the monitor: {error}") from None
        except OSError as error:
            raise OutputError(f"{file}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._base.close()
            self._held.release()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in the block, or nothing. Raises OutputError, for example if the disk is full."""
        with self.lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                yield
                self._base.execute("COMMIT")
            except BaseException as error:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise OutputError(f"{self._file}: cannot be written: {error}") from None
                raise

    def known(self, keys: Sequence[str]) -> set[str]:
        """The keys of items that were counted before."""
        asked = json.dumps(list(keys))
        return {
            key for (key,) in self._rows("SELECT key FROM items WHERE key IN (SELECT value FROM json_each(?))", asked)
        }

    def add(self, item: Item, opinion: Opinion, period: int) -> Series:
        """Count a new item, and return its series."""
        series = self.series_of(item.company or "", opinion.topic or "")
        negative = round(opinion.negative * UNIT)
        row = (item.key, series.id, period, item.time, item.text, negative, opinion.abstains)
        self._base.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        counted = (0, 1, 0, 0) if opinion.abstains else (1, 0, negative, round(negative * negative / UNIT))
        self._base.execute(
            "INSERT INTO counts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET items = items + excluded.items, "
            "abstained = abstained + excluded.abstained, negative = negative + excluded.negative, "
            "squares = squares + excluded.squares",
            (series.id, period, *counted),
        )
        return series

    def skip(self, skipped: Skipped) -> bool:
        """Count a skipped entry; return whether it is new."""
        row = (skipped.key, skipped.reason)
        return self._base.execute("INSERT OR IGNORE INTO skipped VALUES (?, ?)", row).rowcount > 0

    def skips(self) -> dict[str, int]:
        """The number of skipped entries by reason."""
        return dict(self._rows("SELECT reason, count(*) FROM skipped GROUP BY reason ORDER BY reason"))

    def series_of(self, company: str, topic: str) -> Series:
        """The series of a company and a topic, created if there is none."""
        self._base.execute("INSERT OR IGNORE INTO series(company, topic) VALUES (?, ?)", (company, topic))
        [found] = self._series("WHERE company = ? AND topic = ?", company, topic)
        return found

    def series(self) -> list[Series]:
        """All series, in the order in which they were created."""
        return self._series("ORDER BY id")

    def one_series(self, number: int) -> Series | None:
        """The series with this number."""
        return next(iter(self._series("WHERE id = ?", number)), None)

    def keep(self, series: int, *, quiet: Json | None, state: Json | None) -> None:
        """Store the detection's data of a series."""
        values = [None if each is None else json.dumps(each) for each in (quiet, state)]
        self._base.execute("UPDATE series SET quiet = ?, state = ? WHERE id = ?", (*values, series))

    def counts(self, series: int, first: int = -(2**40), last: int = 2**40) -> list[Count]:
        """A series' counts in these periods, in order."""
        found = self._rows(
            "SELECT period, items, abstained, negative, squares FROM counts WHERE series = ? "
            "AND period BETWEEN ? AND ? ORDER BY period",
            series,
            first,
            last,
        )
        return [
            Count(period, items, abstained, negative / UNIT, squares / UNIT)
            for period, items, abstained, negative, squares in found
        ]

    def sums(self) -> dict[int, tuple[int, int, int]]:
        """For each series: the number of items, of abstentions and of periods with items."""
        query = "SELECT series, sum(items), sum(abstained), sum(items > 0) FROM counts GROUP BY series"
        return {series: (items, abstained, periods) for series, items, abstained, periods in self._rows(query)}

    def headlines(self, series: int, first: int, last: int, most: int) -> list[tuple[int, str, float]]:
        """The most negative items of these periods: time, text and probability of being negative; each text once."""
        found = self._rows(
            "SELECT max(time) AS latest, text, negative FROM items WHERE series = ? AND period BETWEEN ? AND ? "
            "AND NOT abstained GROUP BY text ORDER BY negative DESC, latest DESC, text LIMIT ?",
            series,
            first,
            last,
            most,
        )
        return [(time, text, negative / UNIT) for time, text, negative in found]

    def alert(self, found: Alert, channels: Iterable[str]) -> None:
        """Store an alert, and that it must be sent through these channels."""
        values = asdict(found)
        del values["id"]
        names = ", ".join(values)
        made = self._base.execute(
            f"INSERT INTO alerts({names}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - the fields of Alert
            tuple(values.values()),
        )
        self._base.executemany(
            "INSERT INTO outbox(alert, channel) VALUES (?, ?)", [(made.lastrowid, channel) for channel in channels]
        )

    def alerts(self, series: int | None = None) -> list[Alert]:
        """The alerts of one series, or of all, oldest first."""
        return [
            Alert(*row) for row in self._rows("SELECT * FROM alerts WHERE ? IN (series, 0) ORDER BY id", series or 0)
        ]

    def unsent(self, channel: str | None = None) -> list[tuple[Alert, str, int]]:
        """The alerts that one channel, or any, is still to send, with the channel and how often that was tried."""
        found = self._rows(
            "SELECT alerts.*, channel, tries FROM outbox JOIN alerts ON alert = id "
            "WHERE sent IS NULL AND channel = coalesce(?, channel) ORDER BY id, channel",
            channel,
        )
        return [(Alert(*row[:6]), *row[6:]) for row in found]

    def tried(self, alert: int, channel: str, *, sent: str | None, failure: str | None = None) -> None:
        """Store that an alert was sent, or why it was not."""
        with self.transaction():
            self._base.execute(
                "UPDATE outbox SET tries = tries + 1, sent = ?, failure = ? WHERE alert = ? AND channel = ?",
                (sent, failure, alert, channel),
            )

    def progress(self) -> dict[str, tuple[str, int]]:
        """How far each file has been read: its version and the position in bytes."""
        return {file: (version, position) for file, version, position in self._rows("SELECT * FROM progress")}

    def read_to(self, file: str, version: str, position: int) -> None:
        """Store how far a file has been read."""
        self._base.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (file, version, position))

    def fact(self, name: str) -> str | None:
        """The value of a fact."""
        return next((value for (value,) in self._rows("SELECT value FROM facts WHERE name = ?", name)), None)

    def set_fact(self, name: str, value: str) -> None:
        """Set the value of a fact."""
        self._base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def totals(self) -> tuple[int, int]:
        """How many items were counted, and how many of them abstained."""
        [(items, abstained)] = self._rows(
            "SELECT coalesce(sum(items + abstained), 0), coalesce(sum(abstained), 0) FROM counts"
        )
        return items, abstained

    def _series(self, where: str, *values: Any) -> list[Series]:
        found = self._rows(f"SELECT * FROM series {where}", *values)  # noqa: S608 - written in this file
        return [Series(*row[:3], *(json.loads(each) if each else None for each in row[3:])) for row in found]

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self.lock:
            try:
                return self._base.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                raise OutputError(f"{self._file}: cannot be read: {error}") from None


def _connected(file: Path) -> sqlite3.Connection:
    """The database with its tables. Raises sqlite3.DatabaseError."""
    base = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=30)
    try:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")  # acknowledged items survive a power failure
        base.executescript(SCHEMA)
    except sqlite3.DatabaseError:
        base.close()
        raise
    return base
