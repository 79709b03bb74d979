"""The catalogue: numbers for items, and each user's history as numbers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.apps.recommender.events import Histories


class Taken(NamedTuple):
    """An item that a user took, by its number, and the time."""

    time: float
    item: int


@dataclass(frozen=True)
class Catalogue:
    """All items, in order of their names. numbers: name -> number. users: each user's items, latest last."""

    names: list[str]
    texts: list[str]
    numbers: Mapping[str, int]
    users: Mapping[str, list[Taken]]
    times: list[float]

    @classmethod
    def of(cls, histories: Histories) -> Self:
        """The catalogue of histories."""
        names = sorted(histories.texts)
        numbers = {name: number for number, name in enumerate(names)}
        users: dict[str, list[Taken]] = defaultdict(list)
        for time, user, item in histories.events:
            users[user].append(Taken(time, numbers[item]))
        texts = [histories.texts[name] for name in names]
        return cls(names, texts, numbers, dict(users), [each.time for each in histories.events])

    def before(self, time: float) -> dict[str, list[Taken]]:
        """What each user took before a time; users who took nothing are left out."""
        found = {user: [each for each in taken if each.time < time] for user, taken in self.users.items()}
        return {user: taken for user, taken in found.items() if taken}


class Target(NamedTuple):
    """What a user took next: `item`, after `history`, latest last."""

    user: str
    history: tuple[int, ...]
    item: int


def borders(times: Sequence[float], validation: float, test: float) -> tuple[float, float]:
    """The times at which validation and test begin; they are the last shares of all events."""
    begin, end = np.quantile(times, [1 - validation - test, 1 - test], method="higher")
    return float(begin), float(end)


def targets(catalogue: Catalogue, since: float, until: float, most: int) -> list[Target]:
    """What users took within a period, each after all their earlier items; at most `most` per user, evenly spread.

    A user's first item, which has no history, and items that the user took before are not targets.
    """
    found = []
    for user, taken in sorted(catalogue.users.items()):
        items = [each.item for each in taken]
        places = [
            place
            for place, each in enumerate(taken)
            if place and since <= each.time < until and each.item not in items[:place]
        ]
        chosen = {places[place] for place in np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)}
        found += [Target(user, tuple(items[:place]), items[place]) for place in sorted(chosen)]
    return found
