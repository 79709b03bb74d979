"""Selects the setting for a method's final trials: the best of its tuning, by validation alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from pefbench.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.compare.plan import Outcome


@dataclass(frozen=True)
class Selection:
    """The outcome of tuning one method."""

    setting: int | None
    """Index of the selected setting; None while trials are missing, or when all settings failed."""

    values: list[float | None]
    """Validation score of each setting, averaged over the tuning seeds; None if a trial failed."""

    notes: list[str] = field(default_factory=list)
    """Warnings for the reader."""

    waits: bool = False
    """Nothing is selected because trials are missing."""


def select(
    tuning: Sequence[Outcome], metric: str, *, higher: bool, give_up: bool = False, tested: Sequence[int] = ()
) -> Selection:
    """Select the best setting of one method; the first if several are equally good.

    A setting with a failed trial is never selected. While trials are missing, none is: the next run could select
    another one, and then two settings would have seen the test split. give_up: count missing trials as failed. tested:
    settings that an earlier run scored on test; while trials are missing, that selection stands.
    """
    missing = [outcome for outcome in tuning if outcome.status == "missing"]
    values = _values(tuning, metric)
    ranked = sorted(
        (number for number, value in enumerate(values) if value is not None),
        key=lambda number: values[number] or 0.0,
        reverse=higher,
    )
    notes = [f"{counted(len(missing), 'tuning trial')} died, counted as failed"] if missing and give_up else []
    if missing and tested:
        stands = f"{counted(len(missing), 'tuning trial')} missing; the earlier selection stands"
        return Selection(tested[0], values, [*notes, stands])
    if missing and not give_up:
        note = f"{counted(len(missing), 'tuning trial')} missing; run the same command again"
        return Selection(None, values, [note], waits=True)
    if not ranked:
        return Selection(None, values, [*notes, "every setting failed"])
    if others := [number for number in tested if number != ranked[0]]:
        before = counted(len(others), "other setting")
        notes.append(f"test was scored with {before} before; selection used validation alone")
    return Selection(ranked[0], values, notes)


def value_of(outcome: Outcome, metric: str, split: str) -> float | None:
    """A finished trial's score on a split; None for a trial that did not finish."""
    if outcome.status != "finished" or outcome.result is None:
        return None
    return outcome.result["metrics"][split][metric]["value"]


def _values(tuning: Sequence[Outcome], metric: str) -> list[float | None]:
    found: defaultdict[int, list[float | None]] = defaultdict(list)
    for outcome in tuning:
        found[outcome.planned.setting].append(value_of(outcome, metric, "validation"))
    return [_mean(found[number]) for number in sorted(found)]


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if len(there) == len(values) else None
