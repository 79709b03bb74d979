"""Any table, or a folder of tables, with a user, an item, a time and the item's text in each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.apps.recommender.events import NO_TEXT, UNREADABLE, Event, Skips, event, written
from pefbench.apps.recommender.layout import OR, Layout, shown
from pefbench.errors import DataError, suggest
from pefbench.sources import BadRows, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USER = ("user", "user_id", "userId", "customer", "reader")
ITEM = ("item", "item_id", "itemId", "movieId", "product", "article", "news")
TIME = ("time", "timestamp", "date", "datetime")
TEXT = ("text", "item_text", "title", "name", "description")
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def read(path: Path, skips: Skips) -> tuple[list[Event], dict[str, str]]:
    """The events, and each item's first text. Raises DataError if a table lacks the columns."""
    events, texts = [], dict[str, str]()
    for file in _files(path):
        for where, row in rows(file, skips):
            user, item, time, text = (_of(row, usual, file) for usual in (USER, ITEM, TIME, TEXT))
            if written(item) and written(text):
                texts.setdefault(written(item), written(text))
            with skips.counting(where):
                events.append(event(user, item, time, texts))
    return events, texts


def items(path: Path, skips: Skips) -> dict[str, str]:
    """Item -> its text, from tables without users."""
    texts = dict[str, str]()
    for file in _files(path):
        for where, row in rows(file, skips):
            item, text = (written(_of(row, usual, file)) for usual in (ITEM, TEXT))
            if item and text:
                texts.setdefault(item, text)
            else:
                skips(NO_TEXT, where)
    return texts


def rows(file: Path, skips: Skips) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each row's place and values; rows that cannot be read are left out."""
    bad = BadRows(skip=True)
    for row in read_rows(f"file:{file}", bad=bad).rows:
        yield f"{shown(file)}:{row.line}", row.values
    for told in bad.found:
        skips(UNREADABLE, told.partition(": ")[0])


def _of(row: Mapping[str, Any], usual: tuple[str, ...], file: Path) -> Any:
    name = next((name for name in usual if name in row), None)
    if name is None:
        raise DataError(f"{shown(file)}: has no column {usual[0]}; {suggest(usual[0], list(row))}")
    return row[name]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)


LAYOUT = Layout((OR.join(f"*{suffix}" for suffix in SUFFIXES),), read)
