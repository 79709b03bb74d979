"""The data of the report page, as its script reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.analysis.tables.marks import Mark
    from pefbench.analysis.tables.row import BaselineColumns
    from pefbench.results.classification_report import Report
    from pefbench.results.schema import Hardware


class MetricData(TypedDict):
    """A metric on test: the mean over seeds."""

    value: float
    low: float | None
    high: float | None
    reliable: bool
    higher: bool  # whether higher is better


class SettingData(TypedDict):
    """A setting of a method: its scores, costs and loss curve."""

    name: str
    method: str
    mark: Mark
    seeds: int
    metrics: dict[str, MetricData]
    baseline: BaselineColumns
    trained: int | None  # weights
    percent: float | None  # of the model that is trained
    adapter_bytes: int | None
    seconds: float | None
    memory_bytes: int | None
    curve: list[list[float]]  # (epoch, loss)
    validation: dict[str, list[list[float]]]  # metric -> (epoch, value) of each evaluation during training
    kept: float | None  # epoch of the weights that were kept; null if the result does not say
    reports: Mapping[str, Report]


class ExampleData(TypedDict):
    """A test example that settings answered differently."""

    id: object
    prompt: str
    reference: str
    answers: list[str]  # of each setting
    correct: list[bool]


class ExamplesData(TypedDict):
    """The test examples that settings answered differently."""

    names: list[str]  # settings whose predictions were kept, with the seed that they are of
    total: int  # test examples
    differ: int  # answered differently
    rows: list[ExampleData]  # of these, at most MOST
    notes: list[str]  # predictions that could not be used, and why


class GroupData(TypedDict):
    """Settings that may be ranked together, the best first."""

    task: str
    title: str
    heading: str
    source: str
    precision: str
    metric: str
    signature: str
    higher: bool
    verdict: str
    caveats: list[str]
    settings: list[SettingData]
    examples: ExamplesData


class FailureData(TypedDict):
    """A trial that failed."""

    recipe: str
    task: str
    method: str
    error: str


class EnvironmentData(TypedDict):
    """A machine with its versions and the code, and the trials that ran there."""

    hardware: Hardware
    packages: dict[str, str]
    world_size: int
    precision: str
    commit: str | None
    dirty: bool | None
    trials: int
    finished: str  # the last one


class TriedData(TypedDict):
    """A setting of a search."""

    values: list[float | str]  # of each field; anything but numbers as text
    score: float | None  # its last on validation
    status: str  # finished, stopped or failed
    selected: bool
    examples: int  # training examples seen


class SearchData(TypedDict):
    """One method of a search."""

    name: str
    metric: str
    higher: bool  # whether higher is better
    heading: str  # sampler, pruner, how many settings
    fields: list[str]
    log: list[bool]  # for each field whether it was searched logarithmically
    importance: list[list[str | float]]  # (field, share of the variance), the largest first
    trials: list[TriedData]


class PageData(TypedDict):
    """The data of the whole page."""

    searches: list[SearchData]

    groups: list[GroupData]
    failed: list[FailureData]
    environments: list[EnvironmentData]
