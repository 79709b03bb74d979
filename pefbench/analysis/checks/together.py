"""Losses that are within each trial's interval, and too many to be chance.

Without predictions a trial is judged by its interval alone, and one loss within it is no evidence. Many are: by chance
some trials gain what others lose. So each trial's change is measured in standard errors, which its interval gives, and
the changes are added up by Stouffer's method (1949). Trials on the same data share their test examples, so their mean
counts once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

from pefbench.analysis.checks.model import Finding
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pefbench.analysis.checks.matching import Pair
    from pefbench.analysis.checks.model import Tolerances
    from pefbench.analysis.checks.predictions import Paired
    from pefbench.results.schema import MetricValue

LEVEL = 0.025
"""One-sided: only a loss is looked for."""
_ERRORS = NormalDist().inv_cdf(0.975)
"""Standard errors from a value to an end of its 95 % interval."""
_NOISE = 1e-6


def together(
    pairs: Iterable[Pair], tolerances: Tolerances, paired: Mapping[tuple[str, str], Paired]
) -> Iterator[Finding]:
    """A finding where the headline metrics of trials without predictions are worse together."""
    changes: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        if pair.new is None:
            continue
        old, name = pair.old.result, pair.old.result["headline"]
        before, now = old["metrics"]["test"][name], pair.new.result["metrics"]["test"].get(name)
        if now is None or (old["id"], name) in paired or tolerances.of(name) is not None:
            continue
        change = _standard_errors(before, now)
        if change is not None and of_value(before["signature"]) == of_value(now["signature"]):
            changes[old["data"]["fingerprint"]].append(change)
    if len(changes) < 2:
        return
    combined = sum(fmean(each) for each in changes.values()) / math.sqrt(len(changes))
    p = NormalDist().cdf(combined)
    if p < LEVEL:
        trials = sum(map(len, changes.values()))
        message = (
            f"{trials} trials on {len(changes)} data sets are worse together (p {p:.2g}), though each may be within "
            "its interval; keep predictions to see which"
        )
        yield Finding("all", "headline metrics", "", "", "worse", message)


def _standard_errors(before: MetricValue, now: MetricValue) -> float | None:
    """The gain in standard errors; None where the interval does not tell them."""
    if before["low"] is None or before["high"] is None:
        return None
    raised = now["value"] - before["value"]
    reach = before["high"] - before["value"] if raised > 0 else before["value"] - before["low"]
    if reach <= _NOISE:
        return None if abs(raised) > _NOISE else 0.0
    errors = _ERRORS * raised / reach
    return errors if before["higher_is_better"] else -errors
