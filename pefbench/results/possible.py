"""Numbers that no trial can have produced, such as a negative time: the file was edited or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue, Result

AMOUNTS = ("data", "model", "phases", "expected_peak_bytes", "report", "kept", "inference", "round_trip")
"""Fields of a result whose numbers are all counts, sizes, times or fractions, so none is negative."""
NEVER_INTERVALS = "distinct|"
"""Beginning of the signatures of distinct-n, whose intervals in older results are dropped after reading."""
ROUNDING = 1e-9
"""By how much, relative to the numbers themselves, a value may lie outside its interval."""


def impossible(result: Result) -> str | None:
    """The first field with an impossible number, and what is wrong with it; None if there is none."""
    fields = cast("dict[str, Any]", result)  # a TypedDict, whose fields are read by name
    for name in AMOUNTS:
        if found := _negative(fields.get(name), name):
            return found
    for section in ("metrics", "baselines"):
        for group, values in fields.get(section, {}).items():
            for name, metric in values.items():
                if found := _wrong_metric(metric):
                    return f"{section}.{group}.{name}.{found}"
    return None


def _negative(value: Any, path: str) -> str | None:
    """The path of the first negative number in a JSON value, in words; None if there is none."""
    if isinstance(value, dict):
        return next((found for key, each in value.items() if (found := _negative(each, f"{path}.{key}"))), None)
    if isinstance(value, int | float) and value < 0:
        return f"{path} should be 0 or more, is {value}"
    return None


def _wrong_metric(metric: MetricValue) -> str | None:
    value, low, high = metric["value"], metric["low"], metric["high"]
    if metric["examples"] is not None and metric["examples"] < 0:
        return f"examples should be 0 or more, is {metric['examples']}"
    if low is None or high is None or metric["signature"].startswith(NEVER_INTERVALS):
        return None
    slack = ROUNDING * max(abs(value), abs(low), abs(high))
    if low > high + slack:
        return f"low should not be above high: {low} > {high}"
    if not low - slack <= value <= high + slack:
        return f"value should be in its interval: {value} is not between {low} and {high}"
    return None
