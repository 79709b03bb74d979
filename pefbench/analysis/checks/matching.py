"""Matches each trial of the baseline with a new one.

The same id means the same recipe, with all its settings, on the same data. If a setting was changed on purpose, or a
new version of pefbench has an additional setting, the ids differ; trials can then be matched by recipe: same name,
method and seed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from pefbench.analysis.tables.rows import differences
from pefbench.results.store import newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pefbench.results.store import Stored

Match = Literal["id", "recipe"]
MATCHES = get_args(Match)


@dataclass(frozen=True)
class Pair:
    """A trial of the baseline and the new one to compare it with, if there is one."""

    old: Stored
    new: Stored | None
    changed: str = ""
    """The settings in which they differ, in one line; empty if they are the same trial."""

    sibling: str = ""
    """For a missing trial: a new trial of the same recipe, and how it differs."""

    @property
    def name(self) -> str:
        """The recipe and the id in the baseline."""
        return name(self.old)


def name(stored: Stored) -> str:
    """A trial's name: recipe and id."""
    return f"{stored.result['recipe']['name']} {stored.result['id']}"


def match(results: Sequence[Stored], baseline: Sequence[Stored], by: Match) -> tuple[list[Pair], list[Stored]]:
    """A pair for each trial of the baseline, and the new trials that have none."""
    before = newest(baseline)[0]
    now = {stored.result["id"]: stored for stored in newest(results)[0]}
    known = {stored.result["id"] for stored in before}
    unmatched = _by_recipe(stored for key, stored in now.items() if key not in known)
    alone = _by_recipe(stored for stored in before if stored.result["id"] not in now)
    pairs, used = [], set()
    for old in before:
        new = now.get(old.result["id"])
        if new is not None:
            pairs.append(Pair(old, new))
            continue
        siblings = unmatched.get(_recipe(old), [])
        # With several trials on one side, as in a search, the match is ambiguous.
        if by == "recipe" and len(siblings) == len(alone[_recipe(old)]) == 1:
            pairs.append(Pair(old, siblings[0], _changes(old, siblings[0])))
            used.add(siblings[0].result["id"])
        else:
            pairs.append(Pair(old, None, sibling=_sibling(old, siblings)))
    return pairs, [stored for key, stored in now.items() if key not in known and key not in used]


def _by_recipe(results: Iterable[Stored]) -> dict[tuple[str, ...], list[Stored]]:
    found: dict[tuple[str, ...], list[Stored]] = defaultdict(list)
    for stored in results:
        found[_recipe(stored)].append(stored)
    return found


def _recipe(stored: Stored) -> tuple[str, ...]:
    recipe = stored.result["recipe"]
    return (recipe["name"], recipe["method"]["name"], str(recipe["train"].get("seed")))


def _sibling(old: Stored, siblings: Sequence[Stored]) -> str:
    if not siblings:
        return ""
    return f"{siblings[0].result['id']} is of the same recipe, but differs: {_changes(old, siblings[0])}"


def _changes(old: Stored, new: Stored) -> str:
    before, now = differences([old.result["recipe"], new.result["recipe"]])
    return f"{now or 'not set'}, was {before or 'not set'}" if before or now else "the data"
