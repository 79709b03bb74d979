"""The titles of groups: task and model, for example, plus whatever distinguishes groups that share these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables.groups import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Sequence


def titles(known: Sequence[tuple[str, ...]], least: int = 2) -> list[str]:
    """A title for each group: the first `least` of its parts, and further ones until no other group matches."""
    return [BETWEEN.join(_enough(parts, known, least)) for parts in known]


def _enough(parts: tuple[str, ...], known: Sequence[tuple[str, ...]], least: int) -> list[str]:
    alike = [other for other in known if other[:least] == parts[:least]]
    found = [*parts[:least]]
    for place in range(least, len(parts)):
        if len(alike) < 2:
            break
        if any(other[place] != parts[place] for other in alike):  # a part that all share does not distinguish them
            found.append(parts[place])
        alike = [other for other in alike if other[place] == parts[place]]
    return found
