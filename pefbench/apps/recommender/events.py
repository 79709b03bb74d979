"""Events: a user took an item at a time. Other rows are left out and counted by reason."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pefbench.apps.times import read_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MILLISECONDS = 1e11
"""Numbers from here on are milliseconds since 1970; as seconds, they would be in the year 5138."""
NO_USER, NO_ITEM, NO_TEXT, UNREADABLE = "no user", "no item", "item without text", "unreadable"
NO_TIME, NO_ZONE, WRONG_TIME = "no time", "time without zone", "unreadable time"


class Event(NamedTuple):
    """A user took an item. time: in seconds since 1970."""

    time: float
    user: str
    item: str


class SkippedError(Exception):
    """A row is not an event. The message is the reason, the same for all such rows."""


@dataclass
class Skips:
    """Rows that were left out: how many for each reason, and the place of the first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def __call__(self, reason: str, where: str) -> None:
        """Count a row."""
        self.counts[reason] += 1
        self.first.setdefault(reason, where)

    @contextmanager
    def counting(self, where: str) -> Iterator[None]:
        """Count the row at `where` if it turns out not to be an event."""
        try:
            yield
        except SkippedError as error:
            self(str(error), where)

    @property
    def told(self) -> str:
        """All of them in one line; "" if there are none."""
        return ", ".join(f"{reason}: {n:,} (first {self.first[reason]})" for reason, n in self.counts.most_common())


@dataclass(frozen=True)
class Histories:
    """All events by time, equal times in the file's order. texts: item -> its text, even if nobody took the item."""

    events: list[Event]
    texts: Mapping[str, str]
    skips: Skips


def event(user: Any, item: Any, time: Any, texts: Mapping[str, str]) -> Event:
    """The event in a row's fields. Raises SkippedError."""
    who, what = written(user), written(item)
    if not who:
        raise SkippedError(NO_USER)
    if not what:
        raise SkippedError(NO_ITEM)
    if what not in texts:
        raise SkippedError(NO_TEXT)
    return Event(seconds(time), who, what)


def written(value: Any) -> str:
    """A name as text; "" if it is not a name."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def seconds(value: Any) -> float:
    """A time in seconds since 1970, from a number or ISO 8601. Raises SkippedError."""
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
