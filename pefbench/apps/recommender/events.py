"""An event: somebody took an item at a time. What is none is left out, counted by its reason."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pefbench.apps.times import read_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MILLISECONDS = 1e11
"""Numbers from here on are milliseconds since 1970: as seconds they would be of the year 5138."""
NO_USER, NO_ITEM, NO_TEXT, UNREADABLE = "no user", "no item", "item without text", "unreadable"
NO_TIME, NO_ZONE, WRONG_TIME = "no time", "time without zone", "unreadable time"


class Event(NamedTuple):
    """Somebody took an item. time: in seconds since 1970."""

    time: float
    user: str
    item: str


class SkippedError(Exception):
    """A row that is no event. Its text is the reason, the same for all such rows."""


@dataclass
class Skips:
    """Rows that were left out: how many for each reason, and where the first of each is."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def __call__(self, reason: str, where: str) -> None:
        """Count a row."""
        self.counts[reason] += 1
        self.first.setdefault(reason, where)

    @contextmanager
    def counting(self, where: str) -> Iterator[None]:
        """Count the row at `where` if it turns out to be no event."""
        try:
            yield
        except SkippedError as error:
            self(str(error), where)

    @property
    def told(self) -> str:
        """All of them in one line; "" where there are none."""
        return ", ".join(f"{reason}: {n:,} (first {self.first[reason]})" for reason, n in self.counts.most_common())


@dataclass(frozen=True)
class Histories:
    """All events by time, those of one time in the file's order. texts: item -> its text, also of items nobody took."""

    events: list[Event]
    texts: Mapping[str, str]
    skips: Skips


def event(user: Any, item: Any, time: Any, texts: Mapping[str, str]) -> Event:
    """The event that a row's fields make. Raises SkippedError."""
    who, what = written(user), written(item)
    if not who:
        raise SkippedError(NO_USER)
    if not what:
        raise SkippedError(NO_ITEM)
    if what not in texts:
        raise SkippedError(NO_TEXT)
    return Event(seconds(time), who, what)


def written(value: Any) -> str:
    """A name as text; "" for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def seconds(value: Any) -> float:
    """A time in seconds since 1970, of a number or of ISO 8601. Raises SkippedError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise SkippedError(NO_TIME)
    try:
        number = float(value)
    except (TypeError, ValueError):
        when = read_time(value)
        if when is None:
            raise SkippedError(WRONG_TIME) from None
        if when.tzinfo is None:
            raise SkippedError(NO_ZONE) from None
        return when.timestamp()
    if not 0 <= number < MILLISECONDS * 1000:  # also NaN
        raise SkippedError(WRONG_TIME)
    return number if number < MILLISECONDS else number / 1000
