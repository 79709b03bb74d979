"""Decides whether a metric is worse: by an absolute tolerance, else by the paired test, else by the interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.analysis.checks.model import LEVEL, REMEDY, ROUNDING, Finding
from pefbench.results.ranges import range_of
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pefbench.analysis.checks.matching import Pair
    from pefbench.analysis.checks.model import Judge, Tolerances, Verdict
    from pefbench.analysis.checks.predictions import Paired
    from pefbench.results.schema import MetricValue, Result

GROSS = 6.0
"""Half-widths of the interval over test examples beyond which a change is not due to the seed alone: seeds may vary
three times as much as examples do."""
# Equal predictions have equal scores, except for rounding on another machine.
SCORING = 1e-6
# For a metric without an interval, if no tolerance is given.
PLAIN_TOLERANCE = 0.01


def metrics(
    pair: Pair, new: Result, tolerances: Tolerances, paired: Mapping[tuple[str, str], Paired]
) -> Iterator[Finding]:
    """A finding for each test metric of the baseline's trial."""
    for name, before in pair.old.result["metrics"]["test"].items():
        now = new["metrics"]["test"].get(name)
        if now is None:
            yield Finding(pair.name, name, f"{before['value']:.4f}", "", "missing", f"{name} is missing on test")
        else:
            tested = paired.get((pair.old.result["id"], name))
            verdict, message = _compare(name, before, now, tolerances.of(name), tested)
            yield Finding(
                pair.name,
                name,
                f"{before['value']:.4f}",
                f"{now['value']:.4f}",
                verdict,
                message,
                *_could_show(name, before, tolerances.of(name), tested),
            )


def _compare(
    name: str, before: MetricValue, now: MetricValue, tolerance: float | None, tested: Paired | None
) -> tuple[Verdict, str]:
    if of_value(before["signature"]) != of_value(now["signature"]):
        return "not comparable", f"{name} is not comparable: signature {now['signature']}, was {before['signature']}"
    if tolerance is None and tested is not None:
        return _by_test(name, before, now, tested)
    if tolerance is None and before["low"] is not None and before["high"] is not None:
        return _by_interval(name, before, now, before["low"], before["high"])
    return _by_tolerance(name, before, now, PLAIN_TOLERANCE if tolerance is None else tolerance)


def _could_show(
    name: str, before: MetricValue, tolerance: float | None, tested: Paired | None
) -> tuple[float | None, Judge]:
    """The smallest loss that would have failed (over seeds, in 80 % of cases), and what decides.

    Infinite if the metric cannot lose that much.
    """
    if tolerance is not None:
        return tolerance, "tolerance"
    end = before["low"] if before["higher_is_better"] else before["high"]
    loss: float | None
    judge: Judge
    if tested is not None and tested.seeds != (1, 1):
        loss, judge = tested.detectable, "seeds"
    elif end is not None:
        loss, judge = GROSS * abs(before["value"] - end), "one run"
    else:
        return PLAIN_TOLERANCE, "tolerance"
    worst, best = range_of(name, before["value"])
    possible = before["value"] - worst if before["higher_is_better"] else best - before["value"]
    if loss is not None and loss > possible:
        loss = math.inf
    return loss, judge


def _by_tolerance(name: str, before: MetricValue, now: MetricValue, tolerance: float) -> tuple[Verdict, str]:
    gain = _gain(before, now)
    change = f"{_change(name, before, now)} (tolerance {tolerance:g})"
    if gain < -tolerance - ROUNDING:
        return "worse", change
    return ("better", change) if gain > tolerance + ROUNDING else ("same", "")


def _by_test(name: str, before: MetricValue, now: MetricValue, tested: Paired) -> tuple[Verdict, str]:
    if tested.means is not None:
        before, now = _with_value(before, tested.means[0]), _with_value(now, tested.means[1])
    gain = _gain(before, now)
    if tested.difference is None:
        if abs(gain) <= SCORING:
            return "same", ""
        why = "scoring has changed, or a result was edited"
        changed = f"{_change(name, before, now)}, from the same predictions: {why}"
        return ("worse" if gain < 0 else "better"), changed
    difference, low, high = tested.difference
    runs = "paired" if tested.seeds == (1, 1) else f"{tested.seeds[0]} and {tested.seeds[1]} seeds,"
    test = f"difference {difference:+.4f} [{low:+.4f}, {high:+.4f}], {runs} p {tested.p:.2g} of {tested.tests} tests"
    change = f"{_change(name, before, now)}{_over_seeds(tested)} ({test})"
    if tested.p < LEVEL and tested.seeds == (1, 1):
        return _of_one_run(before, now, change, "these runs differ")
    if tested.p < LEVEL:
        return ("worse", change) if gain < 0 else ("better", change)
    power = (
        ""
        if tested.detectable is None
        else f"; a difference of {tested.detectable:.4f} would be shown in 80 % of cases"
    )
    return "same", f"{change}: not shown to differ{power}" if abs(gain) > ROUNDING else ""


def _over_seeds(tested: Paired) -> str:
    """Says that the values are means over seeds; the table shows those of one seed."""
    return "" if tested.seeds == (1, 1) else ", means over seeds"


def _by_interval(name: str, before: MetricValue, now: MetricValue, low: float, high: float) -> tuple[Verdict, str]:
    change = f"{_change(name, before, now)} [{low:.4f}, {high:.4f}], no predictions to pair"
    if low - ROUNDING <= now["value"] <= high + ROUNDING:
        lost = _gain(before, now) < -PLAIN_TOLERANCE
        return "same", f"{change}: within its interval" if lost else ""
    return _of_one_run(before, now, change, "beyond its interval")


def _of_one_run(before: MetricValue, now: MetricValue, change: str, how: str) -> tuple[Verdict, str]:
    """With one run each, the seeds alone may cause such a difference, unless it is gross."""
    gain, end = _gain(before, now), before["low"] if now["value"] < before["value"] else before["high"]
    if end is None or abs(gain) > GROSS * abs(before["value"] - end):
        return ("worse" if gain < 0 else "better"), change
    return "undecided", f"{change}: {how}, but one run each cannot decide: {REMEDY}"


def _with_value(metric: MetricValue, value: float) -> MetricValue:
    return {**metric, "value": value}


def _gain(before: MetricValue, now: MetricValue) -> float:
    gain = now["value"] - before["value"]
    return gain if before["higher_is_better"] else -gain


def _change(name: str, before: MetricValue, now: MetricValue) -> str:
    return f"{name} is {now['value']:.4f}, was {before['value']:.4f}"
