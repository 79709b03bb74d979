"""Whether a method is good enough compared with full fine-tuning: tested on validation, at 5 % over all methods.

The more methods are tried, the more likely one that is not good enough scores as if it were: if 18 methods truly reach
0.93 of full fine-tuning's score, then on 247 examples one of them shows 0.95 in 9 of 10 cases. So a method is good
enough if its score exceeds the required one by more than chance explains, over seeds and examples. The test is
Student's t with Satterthwaite's degrees of freedom and Bonferroni's correction over the methods. Scores on the same
examples are correlated; treating them as independent is conservative. If the standard error is unknown, so is the
answer.
(`python -m benchmarks.good_enough` simulates all this.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pefbench.analysis.tables.groups import headline
from pefbench.errors import UserError
from pefbench.results.ranges import range_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.analysis.pick.limits import Limits
    from pefbench.analysis.tables.replicates import Replicates

    Standing = Literal["shown", "open", "short", "unknown"]

LEVEL = 0.05
"""One-sided level of wrongly calling any of the methods good enough."""


@dataclass(frozen=True)
class Bar:
    """The score that a method must reach: slope * the reference's score + offset."""

    slope: float
    offset: float

    def of(self, reference: float) -> float:
        """The score to reach, given the reference's score."""
        return self.slope * reference + self.offset


def bar(reference: Replicates, limits: Limits) -> Bar:
    """What is good enough. A share of a negative score is meaningless, so a negative score must be reached itself.

    Raises UserError if errors are limited but the metric has no best value to count them from.
    """
    value = _decided(reference)
    if limits.errors is not None:
        top = _top(reference)
        if top is None:
            raise UserError(f"--max-errors: {reference.first['headline']} has no best value to count errors from")
        return Bar(limits.errors, top * (1 - limits.errors))
    if value <= 0:
        return Bar(1.0, 0.0)
    return Bar(limits.within if reference.sign > 0 else 1 / limits.within, 0.0)


def more_errors(reference: Replicates, wanted: float) -> float | None:
    """How many more errors `wanted` allows than the reference makes, as a fraction; None without errors to count."""
    top, value = _top(reference), _decided(reference)
    return None if top is None or top <= value else (top - wanted) / (top - value) - 1


def standing(each: Replicates, reference: Replicates, wanted: Bar, methods: int) -> Standing:
    """Whether a method is shown to be good enough on validation, looks so, or falls short.

    methods: how many are compared with the reference. The answer is unknown if the trials have no intervals, because
    chance then cannot be judged.
    """
    if each is reference:
        return "shown"
    gain = each.sign * (_decided(each) - wanted.of(_decided(reference)))
    if gain < 0:
        return "short"
    if each.decided is None or reference.decided is None:
        return "unknown"
    from scipy.special import stdtrit

    parts = [(each.decided.error**2, each.decided.freedom)]
    parts.append(((wanted.slope * reference.decided.error) ** 2, reference.decided.freedom))
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / freedom for part, freedom in parts) if variance else 1.0
    return "shown" if gain >= stdtrit(freedom, 1 - LEVEL / max(1, methods)) * math.sqrt(variance) else "open"


def candidates(selected: Sequence[Replicates], reference: Replicates) -> int:
    """How many methods are compared with the reference."""
    return sum(each is not reference for each in selected)


def _decided(each: Replicates) -> float:
    """The deciding score: on validation, or on test for results without one."""
    return each.value if each.validation is None else each.validation


def _top(reference: Replicates) -> float | None:
    """The best value of the metric, from which errors are counted; None if it has none."""
    name = reference.first["headline"]
    top = range_of(name, headline(reference.first)["value"])[1]
    return top if reference.sign > 0 and math.isfinite(top) else None
