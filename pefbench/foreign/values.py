"""Imported scores, with an interval if the file's contents allow one."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.results.ranges import within
from pefbench.results.signature import INTERVAL
from pefbench.stats.student_t import critical_95
from pefbench.stats.wilson import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.results.schema import MetricValue

WHOLE = 1e-6
"""How far a number of right answers may be from a whole one: tools write scores in full or with a dozen digits."""


def from_examples(name: str, scores: Sequence[float], signature: str, *, higher: bool) -> MetricValue:
    """A mean of example scores: with Wilson's interval if all are 0 or 1, otherwise with Student's t.

    Raises ValueError without scores.
    """
    value, examples = statistics.fmean(scores), len(scores)
    if all(score in {0, 1} for score in scores):
        ends: tuple[float, float] | None = wilson(round(sum(scores)), examples)
        kind = "wilson"
    elif examples > 1:
        reach = critical_95(examples - 1) * statistics.stdev(scores) / math.sqrt(examples)
        ends, kind = within((value - reach, value + reach), name, value), "t"
    else:
        ends, kind = None, "none"
    return _value(value, ends, examples, f"{signature}|{INTERVAL}{kind}", higher=higher)


def proportion(value: float, questions: int, signature: str, *, higher: bool) -> MetricValue:
    """A fraction of right answers, with Wilson's interval. Raises DataError if it is no such fraction."""
    if (right := rights(value, questions)) is None:
        raise DataError(
            f"{value:.6g} of {questions:,} questions is not a whole number of right answers, so there were more or "
            f"fewer questions"
        )
    return _value(value, wilson(right, questions), questions, f"{signature}|{INTERVAL}wilson", higher=higher)


def score_only(value: float, questions: int | None, signature: str, *, higher: bool) -> MetricValue:
    """A score without an interval."""
    return _value(value, None, questions, f"{signature}|{INTERVAL}none", higher=higher)


def rights(value: float, questions: int) -> int | None:
    """The number of right answers that a fraction of `questions` implies; None if it is not a whole number."""
    found = value * questions
    return round(found) if 0 <= value <= 1 and abs(found - round(found)) <= WHOLE * max(1.0, found) else None


def is_of_rights(value: float, error: float | None, questions: int) -> bool:
    """Whether a mean is one of zeros and ones: only then does its standard error follow from it.

    error: the standard error, s / sqrt(questions), that the tool wrote; None if it wrote none.
    """
    if rights(value, questions) is None:
        return False
    if error is None or questions < 2:
        return True
    return math.isclose(error, math.sqrt(value * (1 - value) / (questions - 1)), rel_tol=1e-3, abs_tol=1e-9)


def _value(
    value: float, ends: tuple[float, float] | None, examples: int | None, signature: str, *, higher: bool
) -> MetricValue:
    low, high = ends or (None, None)
    return {
        "value": value,
        "low": low,
        "high": high,
        "examples": examples,
        "higher_is_better": higher,
        "signature": signature,
    }
