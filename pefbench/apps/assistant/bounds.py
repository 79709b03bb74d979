"""Tests on held-out questions whether few enough answers are wrong."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 100
"""How many shares of wrong answers in scope are checked."""
REACHED = 0.1
"""The part of the risk that is spent on the bound for the share of questions in scope that are answered."""


ROUNDING = 1e-9
"""Tolerance when a product of floats is rounded to a whole number."""


Number_co = TypeVar("Number_co", int, float, covariant=True)


class Counts(NamedTuple, Generic[Number_co]):
    """Numbers of held-out questions, which are fractional if a question counts for less than one.

    inside, answered, wrong: in scope, of these answered, and of these answered wrongly. outside, let_through: out of
    scope, and of these answered, which is always wrong.
    """

    inside: Number_co
    answered: Number_co
    wrong: Number_co
    outside: Number_co
    let_through: Number_co


def clopper_pearson(wrong: float, answered: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934), for fractional counts as in Korn and Graubard 1998."""
    from scipy.stats import beta

    tail, right = (1 - level) / 2, answered - wrong
    low = float(beta.ppf(tail, wrong, right + 1)) if wrong > 0 else 0.0
    high = float(beta.ppf(1 - tail, wrong + 1, right)) if right > 0 else 1.0
    return low, high


def part(groups: NDArray[np.int64]) -> float:
    """How many independent questions each of these is worth, if the questions of a group are like copies.

    The effective number of questions is (sum of group sizes)^2 / sum of squared group sizes (Kish, "Survey Sampling",
    1965). groups: the number of each question's group.
    """
    if not len(groups):
        return 1.0
    sizes = np.bincount(groups).astype(np.float64)
    return float(sizes.sum() / (sizes**2).sum())


def p_value(found: Counts[float], rate: float, risk: float, share: float | None = None) -> float:
    """The p-value of the hypothesis that more than `rate` of all answers are wrong.

    If the hypothesis is true, the p-value is at most `risk` with a probability of at most `risk`. share: the share of
    future questions that are out of scope; None: as here. The share of wrong answers rises with `share`, so a result
    for one share also holds for all smaller ones. Fractional counts: as in `clopper_pearson`, and rounded to the safe
    side if a share is given.
    """
    from scipy.special import betainc

    if share is not None:
        return _by_scope(_whole(found), rate, risk, share)
    wrong, right = found.wrong + found.let_through, found.answered - found.wrong
    return float(betainc(right, wrong + 1, 1 - rate)) if right > 0 else 1.0


def _whole(found: Counts[float]) -> Counts[int]:
    """Whole counts that show no more."""
    return Counts(
        inside=floor(found.inside + ROUNDING),
        answered=floor(found.answered + ROUNDING),
        wrong=ceil(found.wrong - ROUNDING),
        outside=floor(found.outside + ROUNDING),
        let_through=ceil(found.let_through - ROUNDING),
    )


def _by_scope(found: Counts[int], rate: float, risk: float, share: float) -> float:
    """The p-value if `share` of all questions are out of scope, whatever their share among those held out.

    Let w be the share of wrong answers in scope, and a the share of questions in scope that are answered. More than
    `rate` of the answers are wrong if and only if more than (1 - share) a (rate - w) / (share (1 - rate)) of the
    questions out of scope are answered. For each w, the probability that the two kinds of wrong answers, weighted by
    their future shares, are together as few as found is exact; since w is unknown, the largest probability is used.
    For a, its lower bound is used.
    """
    from scipy.stats import beta

    answered = (
        float(beta.ppf(risk * REACHED, found.answered, found.inside - found.answered + 1)) if found.answered else 0
    )
    wrong = np.linspace(0, rate, GRID + 1)
    most = (1 - share) * answered * (rate - wrong[1:])
    let_through = np.append(np.divide(most, share * (1 - rate), out=np.full(GRID, np.inf), where=share > 0), 0.0)
    # Between two grid points, the probability is at most that of the lower w with the let_through of the upper one.
    possible = let_through <= 1
    return float(_as_little(found, share * (1 - rate), 1 - share, wrong[possible], let_through[possible]).max()) / (
        1 - REACHED
    )


def _as_little(
    found: Counts[int], outside: float, inside: float, wrong: NDArray[np.float64], let_through: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The probability of at most the found value of outside * let through / all outside + inside * wrong / answered.

    wrong: the share of wrong answers in scope; let_through: the share of questions out of scope answered; (n,).
    """
    from scipy.stats import binom

    each_outside, each_inside = outside / max(found.outside, 1), inside / max(found.inside, 1)
    sum_found = found.let_through * each_outside + found.wrong * each_inside
    numbers = np.arange(found.outside + 1)
    left = np.floor((sum_found - numbers * each_outside) / each_inside + 1e-9)
    numbers, left = numbers[left >= 0], left[left >= 0]
    chances: NDArray[np.float64] = (
        binom.pmf(numbers, found.outside, let_through[:, None]) * binom.cdf(left, found.answered, wrong[:, None])
    ).sum(1)
    return chances
