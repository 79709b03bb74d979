"""One row of a table: a trial as raw numbers (bytes, seconds, counts).

The keys are the columns of CSV and JSON, in this order. Values that a failed trial did not reach are null.
"""

from __future__ import annotations

from typing import TypedDict


class TrialColumns(TypedDict):
    """The trial's identity."""

    group: str  # heading of the table that it belongs to
    task: str
    model: str
    model_fingerprint: str | None
    data_fingerprint: str | None
    precision: str
    id: str
    recipe: str
    method: str
    settings: str  # overrides in which trials of one recipe differ
    seed: int | None
    learning_rate: float | None
    status: str
    error: str | None


class ScoreColumns(TypedDict):
    """The headline metric on test."""

    metric: str | None
    metric_signature: str | None
    value: float | None
    low: float | None
    high: float | None
    reliable: bool | None  # whether enough test examples decide the value for its interval to hold
    higher_is_better: bool | None
    test_examples: int | None


class BaselineColumns(TypedDict):
    """The best trivial baseline on the same data."""

    baseline: str | None
    baseline_value: float | None
    beats_baseline: bool | None


class CostColumns(TypedDict):
    """The training data, the model's size and the costs of training."""

    train_examples: int | None
    train_examples_cut: bool
    parameters: int | None
    trainable_parameters: int | None
    trainable_percent: float | None
    adapter_bytes: int | None
    train_seconds: float | None
    train_peak_memory_bytes: int | None


class TableRow(TrialColumns, ScoreColumns, BaselineColumns, CostColumns):
    """All columns."""

    path: str  # of the result file
