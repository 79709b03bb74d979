"""MIND: the news that a user had read, the news shown next, and which of them were clicked.

Wu et al. 2020, "MIND: A Large-scale Dataset for News Recommendation", ACL, section 3. Two tab-separated files without
headers; a candidate is a news id with ``-1`` (clicked) or ``-0`` (not)::

    1  U13740  11/11/2019 9:05:58 AM  N55189 N42782  N55689-1 N35729-0           behaviors.tsv
    N55528  lifestyle  lifestyleroyals  The Brands Queen Elizabeth...  abstract  url  entities  entities    news.tsv
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError, counted
from pefbench.sources.folders import member
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pefbench.sources.rows import BadRows, Values

COLUMNS = ("user", "history", "candidates", "clicked")
BEHAVIORS, BEHAVIOR_FIELDS = "behaviors.tsv", 5
NEWS, NEWS_FIELDS = "news.tsv", 8


def read_mind(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per impression.

    history: the titles read before, oldest first, possibly none; candidates: the titles shown; clicked: a bool for each
    candidate. Rows of hidden test sets, which lack clicks, are bad rows. Raises SourceError or DataError.
    """
    titles: dict[str, str] = {}
    for where, _, fields in _lines(*member(folder, name, NEWS), NEWS_FIELDS, bad):
        if fields[3].strip():
            titles[fields[0]] = fields[3].strip()
        else:
            bad(DataError(f"{where}: the news {fields[0]!r} has no title"))
    text, file = member(folder, name, BEHAVIORS)
    rows = []
    for where, number, fields in _lines(text, file, BEHAVIOR_FIELDS, bad):
        try:
            rows.append(Row(_values(fields, titles, where), file, number))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, rows)


def _lines(text: str, file: str, width: int, bad: BadRows) -> Iterator[tuple[str, int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.rstrip("\r").split("\t")
        if len(fields) == width:
            yield f"{file}:{number}", number, fields
        elif line.strip():
            name = file.rpartition("/")[2]
            bad(DataError(f"{file}:{number}: {counted(len(fields), 'field')}, but MIND's {name} has {width}"))


def _values(fields: list[str], titles: Mapping[str, str], where: str) -> Values:
    _, user, _, history, impressions = fields
    shown = [candidate.rpartition("-") for candidate in impressions.split()]
    if not shown:
        raise DataError(f"{where}: no news was shown")
    for news, _, click in shown:
        if not news or click not in {"0", "1"}:
            raise DataError(f"{where}: should be a news id with -0 or -1, got {(news or click)[:40]!r} without a click")
    return {
        "user": user,
        "history": [_title(news, titles, where) for news in history.split()],
        "candidates": [_title(news, titles, where) for news, _, _ in shown],
        "clicked": [click == "1" for _, _, click in shown],
    }


def _title(news: str, titles: Mapping[str, str], where: str) -> str:
    if news not in titles:
        raise DataError(f"{where}: the news {news!r} is not in {NEWS}")
    return titles[news]


READER = FolderReader(read_mind)
