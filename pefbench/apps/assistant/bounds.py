"""Whether few enough answers are wrong, by what was answered of held-out questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 100
"""Shares of wrong answers in scope that are looked at."""
REACHED = 0.1
"""The part of the risk that is spent on how many questions in scope are answered."""


class Counts(NamedTuple):
    """What was answered of held-out questions.

    inside, answered, wrong: questions in scope, those answered, and those answered wrongly. outside, let_through:
    questions out of scope, and those answered, which is always wrong.
    """

    inside: int
    answered: int
    wrong: int
    outside: int
    let_through: int


def clopper_pearson(wrong: float, answered: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934); of parts, see `part`, as Korn and Graubard 1998."""
    from scipy.stats import beta

    tail, right = (1 - level) / 2, answered - wrong
    low = float(beta.ppf(tail, wrong, right + 1)) if wrong > 0 else 0.0
    high = float(beta.ppf(1 - tail, wrong + 1, right)) if right > 0 else 1.0
    return low, high


def part(groups: NDArray[np.int64]) -> float:
    """For how many independent questions each of these counts: those of a group are as copies of each other.

    (sum of sizes)^2 / sum of squared sizes of independent ones say as much as all (Kish, "Survey Sampling", 1965).
    groups: the number of each question's group.
    """
    if not len(groups):
        return 1.0
    sizes = np.bincount(groups).astype(np.float64)
    return float(sizes.sum() / (sizes**2).sum())


def p_value(found: Counts, rate: float, risk: float, share: float | None = None) -> float:
    """How likely so few wrong answers are, where more than `rate` of all answers are wrong.

    It is at most `risk` with a probability of at most `risk` then. share: the part of the questions asked later that is
    out of scope; None: as here. Among answers the part of wrong ones rises with `share`, so that what is shown for one
    share is shown for all smaller ones.
    """
    from scipy.stats import binom

    if share is None:
        return float(binom.cdf(found.wrong + found.let_through, found.answered + found.let_through, rate))
    return _by_scope(found, rate, risk, share)


def _by_scope(found: Counts, rate: float, risk: float, share: float) -> float:
    """The p-value where questions out of scope are `share` of all, however many of them were held out.

    More than `rate` of the answers are wrong just where, with a part w of the answers in scope wrong and a part a of
    the questions in scope answered, more than (1 - share) a (rate - w) / (share (1 - rate)) of those out of scope are.
    For each w the probability is exact that the two kinds of wrong answers, weighed by what they will be among all,
    come to as little as they did; of these the largest counts, since nobody knows w. For a its lower bound is taken.
    """
    from scipy.stats import beta

    answered = (
        float(beta.ppf(risk * REACHED, found.answered, found.inside - found.answered + 1)) if found.answered else 0
    )
    wrong = np.linspace(0, rate, GRID + 1)
    most = (1 - share) * answered * (rate - wrong[1:])
    let_through = np.append(np.divide(most, share * (1 - rate), out=np.full(GRID, np.inf), where=share > 0), 0.0)
    # Between two points of the grid the probability is at most that of the lower w with the upper one's let_through.
    possible = let_through <= 1
    return float(_as_little(found, share * (1 - rate), 1 - share, wrong[possible], let_through[possible]).max()) / (
        1 - REACHED
    )


def _as_little(
    found: Counts, outside: float, inside: float, wrong: NDArray[np.float64], let_through: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The probability of as little as was found of outside * let through / all of them + inside * wrong / all in scope.

    wrong: the part of answers in scope, let_through: of questions out of scope; (n,).
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
