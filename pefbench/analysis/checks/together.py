"""Losses that are each within the trial's interval, but together too many to be chance.

A single run is judged by its interval alone, and one loss within the interval is no evidence. Many losses are: by
chance, some trials gain what others lose. So each trial's change is measured in standard errors, taken from its
interval, and the changes are combined by Stouffer's method (1949). Trials on the same data share their test examples,
so their mean counts once. An interval does not cover seeds: if the changes vary by more than 1, which seeds cause,
their own spread is used, with Student's t. A setting with several seeds contributes its test's p as a normal deviate.
"""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING

from pefbench.analysis.checks.model import Finding
from pefbench.results.signature import of_value
from pefbench.stats.student_t import critical_95

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pefbench.analysis.checks.matching import Pair
    from pefbench.analysis.checks.model import Tolerances
    from pefbench.analysis.checks.predictions import Paired
    from pefbench.results.schema import MetricValue

_ERRORS = NormalDist().inv_cdf(0.975)
"""Standard errors from a value to an end of its 95 % interval."""
_NOISE = 1e-6


def together(
    pairs: Iterable[Pair], tolerances: Tolerances, paired: Mapping[tuple[str, str], Paired]
) -> Iterator[Finding]:
    """A finding if the headline metrics of all trials are worse as a group."""
    changes: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        if pair.new is None:
            continue
        old, name = pair.old.result, pair.old.result["headline"]
        before, now = old["metrics"]["test"][name], pair.new.result["metrics"]["test"].get(name)
        tested = paired.get((old["id"], name))
        if now is None or tolerances.of(name) is not None:
            continue
        of_seeds = tested if tested and tested.seeds != (1, 1) else None
        change = _by_seeds(of_seeds, before) if of_seeds else _standard_errors(before, now)
        if change is not None and of_value(before["signature"]) == of_value(now["signature"]):
            changes[old["data"]["fingerprint"]].append(change)
    if len(changes) < 2:
        return
    means = [fmean(each) for each in changes.values()]
    error = max(1.0, stdev(means)) / math.sqrt(len(means))
    if fmean(means) < -critical_95(len(means) - 1) * error:
        trials = sum(map(len, changes.values()))
        message = (
            f"{trials} trials on {len(changes)} data sets are worse as a group, by {-fmean(means):.1f} standard errors "
            "on average, though each alone may be chance; more seeds would show which"
        )
        yield Finding("all", "headline metrics", "", "", "worse", message)


def _by_seeds(tested: Paired, before: MetricValue) -> float:
    """The gain of a setting with several seeds, as the normal deviate of its test's p."""
    if tested.difference is None:
        return 0.0
    deviate = -NormalDist().inv_cdf(max(1e-12, min(1.0, tested.own_p)) / 2)
    return math.copysign(deviate, tested.difference[0] if before["higher_is_better"] else -tested.difference[0])


def _standard_errors(before: MetricValue, now: MetricValue) -> float | None:
    """The gain in standard errors; None if the interval does not give them."""
    if before["low"] is None or before["high"] is None:
        return None
    raised = now["value"] - before["value"]
    reach = before["high"] - before["value"] if raised > 0 else before["value"] - before["low"]
    if reach <= _NOISE:
        return None if abs(raised) > _NOISE else 0.0
    errors = _ERRORS * raised / reach
    return errors if before["higher_is_better"] else -errors
