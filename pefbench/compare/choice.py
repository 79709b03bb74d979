"""Each method's choice among its settings, by validation alone, and what the tuning was worth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.compare.plan import Outcome


@dataclass(frozen=True)
class Chosen:
    """A method's choice.

    setting: its number; None while trials are missing, or when all failed. values: for each setting the mean over the
    tuning seeds, None where a trial failed. notes: what a reader should know.
    """

    setting: int | None
    values: list[float | None]
    notes: list[str] = field(default_factory=list)


def choose(
    tuned: Sequence[Outcome], metric: str, *, higher: bool, give_up: bool = False, tested: Sequence[int] = ()
) -> Chosen:
    """Choose the best setting of one method; the first of equals. `tuned`: its tuning trials.

    A setting with a failed trial is never chosen. While a trial is missing there is no choice, for the next start may
    bring another one, and test would be looked at twice; `give_up` takes missing ones as failed. `tested`: settings
    that an earlier start scored on test. While trials are missing, such a choice stands.
    """
    missing = [outcome for outcome in tuned if outcome.status == "missing"]
    values = _values(tuned, metric)
    ranked = sorted(
        (number for number, value in enumerate(values) if value is not None),
        key=lambda number: values[number] or 0.0,
        reverse=higher,
    )
    notes = [f"{len(missing)} tuning trials died and count as failed"] if missing and give_up else []
    if missing and tested:
        return Chosen(tested[0], values, [*notes, f"{len(missing)} tuning trials are missing; the choice stands"])
    if missing and not give_up:
        return Chosen(None, values, [f"{len(missing)} tuning trials are missing; the same command runs them again"])
    if not ranked:
        return Chosen(None, values, [*notes, "every setting failed"])
    if others := [number for number in tested if number != ranked[0]]:
        notes.append(f"test was scored with {len(others)} other settings before; the choice is by validation alone")
    return Chosen(ranked[0], values, notes)


def _values(tuned: Sequence[Outcome], metric: str) -> list[float | None]:
    found: defaultdict[int, list[float | None]] = defaultdict(list)
    for outcome in tuned:
        found[outcome.planned.setting].append(value_of(outcome, metric, "validation"))
    return [_mean(found[number]) for number in sorted(found)]


def value_of(outcome: Outcome, metric: str, split: str) -> float | None:
    """Return a finished trial's value on a split, or None."""
    if outcome.status != "finished" or outcome.result is None:
        return None
    return outcome.result["metrics"][split][metric]["value"]


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if len(there) == len(values) else None
