"""Groups trials that differ only in their seed: their spread distinguishes a change from noise."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pefbench.analysis.tables.replicates import without_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.analysis.checks.matching import Pair
    from pefbench.results.schema import Result
    from pefbench.results.store import Stored


@dataclass(frozen=True)
class SeedGroup:
    """A setting of the baseline, with all its seeds.

    lead: the pair that its tests are listed under. others: its other pairs. more: new trials with other seeds.
    """

    lead: Pair
    others: tuple[Pair, ...]
    more: tuple[Stored, ...]

    @property
    def old(self) -> list[Stored]:
        """The finished trials of the baseline."""
        return [pair.old for pair in (self.lead, *self.others) if pair.old.result["status"] == "finished"]

    @property
    def new(self) -> list[Stored]:
        """The finished new trials on the same data and base model."""
        found = [pair.new for pair in (self.lead, *self.others) if pair.new is not None]
        return [each for each in (*found, *self.more) if self._is_comparable(each.result)]

    def _is_comparable(self, result: Result) -> bool:
        old = self.lead.old.result
        return result["status"] == "finished" and all(
            result[part]["fingerprint"] == old[part]["fingerprint"] for part in ("data", "model") if part in old
        )


def settings(pairs: Sequence[Pair], unmatched: Sequence[Stored]) -> list[SeedGroup]:
    """The settings of a baseline, in the baseline's order."""
    members: dict[str, list[Pair]] = {}
    for pair in pairs:
        members.setdefault(_identity(pair.old.result), []).append(pair)
    more: dict[str, list[Stored]] = {}
    for stored in unmatched:
        more.setdefault(_identity(stored.result), []).append(stored)
    found = []
    for name, several in members.items():
        others = more.get(name, [])
        lead = next((pair for pair in several if pair.new is not None), several[0])
        rest = tuple(pair for pair in several if pair is not lead)
        if lead.new is None and others:
            lead, others = replace(lead, new=others[0]), others[1:]
        found.append(SeedGroup(lead, rest, tuple(others)))
    return found


def _identity(result: Result) -> str:
    """Everything that two seeds of a setting share."""
    data = result.get("data")
    return json.dumps([without_seed(result["recipe"]), data and data["fingerprint"]], sort_keys=True)
