"""Which conversations were handed over to a person; they stay so. Texts are not stored."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from pefbench.errors import DataError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = "CREATE TABLE IF NOT EXISTS conversations (id TEXT PRIMARY KEY, handed_over INTEGER NOT NULL DEFAULT 0)"


class Conversations:
    """The conversations of one assistant, in an SQLite file, which outlives the process.

    Raises OutputError if it cannot be read and written, DataError if it is another kind of file.
    """

    def __init__(self, file: Path) -> None:
        self._lock, self._file = Lock(), file
        with self._working():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False)
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute(SCHEMA)
            except sqlite3.DatabaseError:
                self._database.close()
                raise

    def is_handed_over(self, name: str) -> bool:
        """Whether a conversation was handed over to a person."""
        with self._lock, self._working():
            row = self._database.execute("SELECT handed_over FROM conversations WHERE id = ?", (name,)).fetchone()
        return bool(row and row[0])

    def hand_over(self, name: str) -> None:
        """Hand a conversation over to a person."""
        with self._lock, self._working(), self._database:
            self._database.execute("INSERT OR REPLACE INTO conversations VALUES (?, 1)", (name,))

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
            raise DataError(f"{self._file}: is not a database of conversations: {error}") from None
