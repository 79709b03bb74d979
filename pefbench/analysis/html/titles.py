"""The titles of groups: task and model, and where two have the same, what tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables.groups import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Sequence


def titles(known: Sequence[tuple[str, ...]]) -> list[str]:
    """A title for each group, of the first two of its parts, and the next ones as far as another begins alike."""
    return [BETWEEN.join(_enough(parts, known)) for parts in known]


def _enough(parts: tuple[str, ...], known: Sequence[tuple[str, ...]]) -> list[str]:
    alike = [other for other in known if other[:2] == parts[:2]]
    found = [*parts[:2]]
    for place in range(2, len(parts)):
        if len(alike) < 2:
            break
        if any(other[place] != parts[place] for other in alike):  # a part that all of them have tells nothing
            found.append(parts[place])
        alike = [other for other in alike if other[place] == parts[place]]
    return found
