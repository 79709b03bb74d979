"""A score's interval, which is optional in a result file but always given by `score`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue


def ends(value: MetricValue) -> tuple[float, float]:
    low, high = value["low"], value["high"]
    assert low is not None
    assert high is not None
    return low, high
