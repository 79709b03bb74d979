"""The fields of ``search.json``: every setting that was tried, the race, and the setting that was named.

Fields may be added, never renamed. Only the standard library is imported here.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from pefbench.results.verdict_schema import Setting  # noqa: TC001 - the shape is read from the class

SCHEMA = 1


class Tried(TypedDict):
    """One setting."""

    number: int  # of the trial in its study
    setting: Setting
    status: Literal["finished", "stopped", "failed"]  # stopped: early, by the pruner
    error: str | None
    evaluations: list[float]  # of the metric on validation, in order
    value: float | None  # the last of a finished trial
    examples: int  # training examples seen


class MethodSearch(TypedDict):
    """One method's study."""

    name: str  # the recipe's
    space: dict[str, Any]  # field -> its values, of any type, as in the recipe
    study: str  # its name in the storage
    trials: list[Tried]
    # field -> share of the scores' variance that it explains, by fANOVA over the settings that ran to their end; empty
    # where there are too few; absent from older records
    importance: NotRequired[dict[str, float]]


class Raced(TypedDict):
    """A setting of the race."""

    method: str
    setting: Setting
    trial: int
    values: list[float | None]  # on validation, for each of `seeds` that it ran; null where a trial failed
    mean: float
    mean_of_new_seeds: float | None  # without the seed by which it came into the race
    dropped: str | None  # why it left


class Named(TypedDict):
    """The setting that was named."""

    method: str
    setting: Setting
    results: list[str]  # its trials' result files, relative to this one, scored on test; the first is of the first seed


class Found(TypedDict):
    """A search."""

    schema: int
    command: str
    metric: str
    higher_is_better: bool
    sampler: str
    pruner: str
    methods: dict[str, MethodSearch]
    seeds: list[int]  # of the race, the search's own first
    race: list[Raced]
    named: Named
