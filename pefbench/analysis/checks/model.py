"""The input of a check (tolerances) and its output (findings)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pefbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

# "not compared" is a note: for example, timings on different machines. "not comparable" is a failure.
Verdict = Literal[
    "same", "better", "worse", "undecided", "missing", "failed", "damaged", "not comparable", "not compared", "new"
]
Judge = Literal["", "seeds", "one run", "tolerance"]
COMPARED = frozenset({"same", "better", "worse", "undecided"})
FAILURES = frozenset({"worse", "missing", "failed", "damaged", "not comparable"})
TRIAL, TRAIN_TIME, THROUGHPUT, PEAK_MEMORY, FILE = "trial", "train time", "throughput", "peak memory", "file"
NO_METRIC = frozenset({TRIAL, TRAIN_TIME, THROUGHPUT, PEAK_MEMORY, FILE})
LEVEL = 0.05
REMEDY = "keep several seeds of the baseline (train.seed=0, 1, 2, ...), with their predictions"
# So that rounding does not make a difference of exactly the tolerance fail.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Tolerances:
    """How much worse still counts as the same. Raises UserError for a tolerance that makes no sense."""

    metric: float | None = None
    """Absolute, in the metric's unit, for every metric that `metrics` does not name. None: use the paired test."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Absolute, by metric name."""

    time_ratio: float = 1.5
    """The largest allowed ratio of training seconds to the baseline's."""

    memory_ratio: float = 1.2
    """The largest allowed ratio of peak memory in training to the baseline's."""

    def __post_init__(self) -> None:
        for name, value in {"other metrics": self.metric, **self.metrics}.items():
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise UserError(f"the tolerance of {name} is {value}; it should be a finite number of 0 or more")
        for name, value in {"time": self.time_ratio, "memory": self.memory_ratio}.items():
            if not (math.isfinite(value) and value >= 1):
                raise UserError(f"the {name} ratio is {value}; it should be a finite number of 1 or more")

    def of(self, metric: str) -> float | None:
        """The absolute tolerance of a metric; None if a test decides."""
        return self.metrics.get(metric, self.metric)


@dataclass(frozen=True)
class Finding:
    """One comparison of a trial with its baseline."""

    trial: str
    """Recipe and id."""

    subject: str
    """A metric's name, "train time", "peak memory", or "trial" for the trial as a whole."""

    baseline: str
    """Readable value, empty if there is none."""

    now: str
    """Readable value, empty if there is none."""

    verdict: Verdict

    message: str = ""
    """What is wrong or notable, in one line; empty for "same"."""

    could_show: float | None = None
    """For a metric: the smallest loss that would have failed, in its own unit; over seeds, in 80 % of cases.

    Infinite if the metric cannot lose that much: then nothing can be decided."""

    judge: Judge = ""
    """For a metric: what decides."""

    @property
    def is_failure(self) -> bool:
        """Whether this makes `pefbench check` exit with 1."""
        return self.verdict in FAILURES
