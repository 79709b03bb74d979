"""MovieLens in RecBole's atomic files: who rated what and when, and the titles and genres of the items.

Harper and Konstan 2015, "The MovieLens Datasets: History and Context", ACM TiiS 5(4); Zhao et al. 2021, "RecBole",
CIKM, section 3.2 (atomic files): tab-separated, each column's type behind a colon in the header::

    user_id:token  item_id:token  rating:float  timestamp:float                ml-100k.inter
    item_id:token  movie_title:token_seq  release_year:token  class:token_seq  ml-100k.item
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pefbench.errors import DataError, SourceError, counted, suggest
from pefbench.sources.folders import member, members
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("user", "items", "ratings", "timestamps")
INTERACTION = (("user_id",), ("item_id",), ("rating",), ("timestamp",))
ITEM = (("item_id",), ("movie_title", "title"))
YEAR = ("release_year", "year")
GENRES = ("class", "genre", "genres")


class Line(NamedTuple):
    """One line of an atomic file: its place, and its fields by column name without the type."""

    where: str
    number: int
    fields: dict[str, str]


class Rating(NamedTuple):
    """One interaction. The time is in seconds; `number` is its line."""

    time: float
    number: int
    item: str
    rating: float


def read_movielens(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per user: all ratings, in order of time; ratings with equal times keep the file's order.

    items: list[str], such as "Toy Story (1995): Animation, Children's, Comedy"; ratings and timestamps (seconds):
    list[float] of equal length. A row's line is that of the user's first interaction in the file. Raises SourceError or
    DataError.
    """
    found = members(folder, name, ".inter")
    if len(found) != 1:
        raise SourceError(f"{name or folder.name}: should hold one *.inter, has {', '.join(found)}")
    text, items_file = member(folder, name, found[0].removesuffix(".inter") + ".item")
    items = _items(_lines(text, items_file, ITEM, bad), bad)
    text, file = member(folder, name, found[0])
    users: dict[str, list[Rating]] = defaultdict(list)
    for line in _lines(text, file, INTERACTION, bad):
        try:
            users[line.fields["user_id"]].append(_rating(line, items, items_file))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, [_row(user, ratings, file) for user, ratings in users.items() if ratings])


def _lines(text: str, file: str, wanted: Sequence[Sequence[str]], bad: BadRows) -> Iterator[Line]:
    header, *lines = text.split("\n")
    names = [column.partition(":")[0] for column in header.rstrip("\r").split("\t")]
    for choices in wanted:
        if not set(choices) & set(names):
            raise DataError(f"{file}:1: no column {' or '.join(choices)}; {suggest(choices[0], names)}")
    for number, line in enumerate(lines, start=2):
        fields = line.rstrip("\r").split("\t")
        if len(fields) == len(names):
            yield Line(f"{file}:{number}", number, dict(zip(names, fields, strict=True)))
        elif line.strip():
            bad(DataError(f"{file}:{number}: {counted(len(fields), 'field')}, but the header has {len(names)}"))


def _items(lines: Iterator[Line], bad: BadRows) -> dict[str, str]:
    """Item -> its title, with the year in brackets unless the title has it, and its genres if it has any."""
    items: dict[str, str] = {}
    for where, _, fields in lines:
        item, title = fields["item_id"], _first(fields, ITEM[1])
        if not title or item in items:
            bad(DataError(f"{where}: the item {item!r} {'occurs twice' if item in items else 'has no title'}"))
            continue
        year, genres = _first(fields, YEAR), _first(fields, GENRES).replace("|", " ").split()
        dated = f"{title} ({year})" if year and not title.endswith(f"({year})") else title
        items[item] = f"{dated}: {', '.join(genres)}" if genres else dated
    return items


def _first(fields: Mapping[str, str], names: Sequence[str]) -> str:
    return next((fields[name].strip() for name in names if name in fields), "")


def _rating(line: Line, items: Mapping[str, str], items_file: str) -> Rating:
    item = line.fields["item_id"]
    if item not in items:
        raise DataError(f"{line.where}: the item {item!r} is not in {items_file}")
    numbers = []
    for column in ("timestamp", "rating"):
        try:
            numbers.append(float(line.fields[column]))
        except ValueError:
            numbers.append(math.nan)
        if not math.isfinite(numbers[-1]):
            raise DataError(f"{line.where}: the {column} should be a number, got {line.fields[column]!r}")
    return Rating(numbers[0], line.number, items[item], numbers[1])


def _row(user: str, ratings: list[Rating], file: str) -> Row:
    in_order = sorted(ratings)
    values = {
        "user": user,
        "items": [rating.item for rating in in_order],
        "ratings": [rating.rating for rating in in_order],
        "timestamps": [rating.time for rating in in_order],
    }
    return Row(values, file, ratings[0].number)


READER = FolderReader(read_movielens)
