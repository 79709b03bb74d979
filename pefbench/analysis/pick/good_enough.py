"""Is a method good enough, beside full fine-tuning: decided on validation, at 5 % over all that are compared with it.

The more methods are tried, the likelier one that is not good enough scores as if it were: of 18 whose truth is 0.93 of
full fine-tuning's, one has 0.95 of it on 247 examples in 9 of 10 cases. So a method is good enough where its score less
what is wanted is above 0 by more than its standard error, over seeds and examples, explains: by Student's t with
Satterthwaite's degrees of freedom, and Bonferroni's correction over the methods. Scores on the same examples go up and
down together; that they are taken as independent errs on the safe side. Where the error is unknown, so is the answer.
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
"""One-sided, that any of the methods is wrongly said to be good enough."""


@dataclass(frozen=True)
class Bar:
    """What is wanted of a method: slope * the reference's score + offset."""

    slope: float
    offset: float

    def of(self, reference: float) -> float:
        """The score that is wanted."""
        return self.slope * reference + self.offset


def bar(reference: Replicates, limits: Limits) -> Bar:
    """What is good enough. A share of a negative score means nothing, so such a score must be reached.

    Raises UserError where errors are limited and the metric has none.
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
    """How many more errors what is wanted allows than the reference makes, as a share; None where errors are none."""
    top, value = _top(reference), _decided(reference)
    return None if top is None or top <= value else (top - wanted) / (top - value) - 1


def standing(each: Replicates, reference: Replicates, wanted: Bar, methods: int) -> Standing:
    """Whether a method is shown to be good enough on validation, looks so, or falls short.

    methods: how many are compared with the reference.
    unknown: the trials have no intervals, so nobody can say what is chance.
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
    """How many methods are held against the reference."""
    return sum(each is not reference for each in selected)


def _decided(each: Replicates) -> float:
    """The score that decides; of results without validation that on test."""
    return each.value if each.validation is None else each.validation


def _top(reference: Replicates) -> float | None:
    """The best value of the metric, from which errors are counted; None where there is none."""
    name = reference.first["headline"]
    top = range_of(name, headline(reference.first)["value"])[1]
    return top if reference.sign > 0 and math.isfinite(top) else None
