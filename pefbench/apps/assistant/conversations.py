"""Conversations: their turns, and whether a person has them now. One that was handed over stays so."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from pefbench.errors import DataError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TURNS = 6
"""Turns that are remembered of a conversation: what was said before is read with the next text."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (id TEXT PRIMARY KEY, handed_over INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS turns (
  number INTEGER PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversations (id), text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS turns_of ON turns (conversation, number);
"""


class Conversations:
    """The conversations of one assistant, in a file of SQLite: they outlive the process.

    Raises OutputError where it cannot be read and written, DataError for another file.
    """

    def __init__(self, file: Path) -> None:
        self._lock, self._file = Lock(), file
        with self._working():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False)
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.executescript(SCHEMA)
            except sqlite3.DatabaseError:
                self._database.close()
                raise

    def before(self, name: str) -> tuple[list[str], bool]:
        """The latest turns of a conversation, the latest last, and whether it was handed over."""
        with self._lock, self._working():
            row = self._database.execute("SELECT handed_over FROM conversations WHERE id = ?", (name,)).fetchone()
            turns = self._database.execute(
                "SELECT text FROM turns WHERE conversation = ? ORDER BY number DESC LIMIT ?", (name, TURNS)
            ).fetchall()
        return [text for (text,) in reversed(turns)], bool(row and row[0])

    def add(self, name: str, text: str, answer: str | None) -> None:
        """Remember a turn and its answer; None: it was handed over."""
        with self._lock, self._working(), self._database:
            self._database.execute(
                "INSERT INTO conversations VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET "
                "handed_over = max(handed_over, excluded.handed_over)",
                (name, int(answer is None)),
            )
            said = [text] if answer is None else [text, answer]
            self._database.executemany(
                "INSERT INTO turns (conversation, text) VALUES (?, ?)", [(name, each) for each in said]
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _working(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise OutputError(f"{self._file}: cannot be read and written: {error}") from None
        except sqlite3.DatabaseError as error:
            raise DataError(f"{self._file}: is no database of conversations: {error}") from None
