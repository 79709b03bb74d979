"""All pairs of a family of methods: which differ, which are equivalent, and what would decide the others.

Two methods *differ* if the step-down p of their pair is below the level (see `step_down`). They are *equivalent* if
the simultaneous interval of their difference lies within the margin on both sides: two one-sided tests (Schuirmann, "A
comparison of the two one-sided tests procedure and the power approach", 1987), each at the level adjusted over all
pairs. Otherwise the pair is *undecided*. A difference that is shown is reported, however small it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from pefbench.stats import power
from pefbench.stats.family import Family, of_scores
from pefbench.stats.moderated import SeedVariance, seed_variance
from pefbench.stats.step_down import adjusted, alone, draw, standard_errors, statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pefbench.stats.resampling import Array, Scores
    from pefbench.stats.step_down import Draws

    Answer = Literal["different", "equivalent", "undecided"]

CONFIDENCE = 0.95
FEW = 10


@dataclass(frozen=True)
class PairTest:
    """One pair: the first method's mean minus the second's.

    low, high: 95 % interval of this pair alone; None if nothing varies and its width is unknown. p: of this pair alone.
    adjusted: p over all pairs. runs: p of these runs, over test examples alone. freedom: Satterthwaite's degrees of
    freedom of the standard error. detectable: the smallest true difference that this test would have shown in 80 % of
    cases; None if nothing varies. seeds, examples: how many would decide it; see `power.needed`.
    """

    difference: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    runs: float
    standard_error: float
    freedom: float
    detectable: float | None
    answer: Answer
    within_margin: bool
    seeds: int | None = None
    examples: int | None = None


def judge(
    scores: Sequence[Scores], differing: Sequence[int], *, level: float, margin: float, proportion: bool
) -> list[PairTest]:
    """Test every pair, in the order of `combinations`.

    scores: of at least two methods, on the same resamples. differing: how many examples each pair answers differently
    with any seed. level: of the whole family. margin: a smaller difference does not matter. proportion: whether a score
    is the fraction of correct examples. No p is below 2 / 2^n, the smallest p of a test that swaps the two methods'
    answers at random, to n differing examples, or to n clusters. Raises ValueError for scores on different resamples.
    """
    family = of_scores(scores)
    differ = np.minimum(np.asarray(differing), family.examples)
    variance = seed_variance(family)
    draws, errors = draw(family, variance), standard_errors(family, variance)
    observed = statistics(family.differences, errors)
    floor = 2.0 * 0.5 ** np.minimum(differ.astype(float), 1000.0)
    p_adjusted = np.clip(np.maximum(adjusted(observed, draws.t), floor * len(floor)), 0.0, 1.0)
    within = _equivalent(family, errors, draws.t, level, margin)
    within &= _enough_differ(differ, family.examples, level / len(floor), margin, proportion=proportion)
    found = [
        PairTest(
            difference=difference,
            low=low,
            high=high,
            p=p,
            adjusted=p_family,
            runs=p_runs,
            standard_error=error,
            freedom=freedom,
            detectable=detectable if error > 0 else None,
            answer="different" if p_family < level else "equivalent" if is_within else "undecided",
            within_margin=is_within,
        )
        for difference, (low, high), p, p_family, p_runs, error, freedom, detectable, is_within in zip(
            family.differences.tolist(),
            _intervals(family, errors, draws.t, proportion=proportion),
            np.clip(np.maximum(alone(observed, draws.t), floor), 0.0, 1.0).tolist(),
            p_adjusted.tolist(),
            np.clip(np.maximum(_of_runs(family), floor), 0.0, 1.0).tolist(),
            errors.tolist(),
            _freedom(family, variance, errors).tolist(),
            _detectable(draws, observed, level).tolist(),
            within.tolist(),
            strict=True,
        )
    ]
    return _with_needed(found, family, level, margin)


def _with_needed(tests: Sequence[PairTest], family: Family, level: float, margin: float) -> list[PairTest]:
    """The tests, with what would decide the undecided ones; unknown with one seed or one cluster of examples."""
    undecided = np.array([test.answer == "undecided" for test in tests])
    if min(family.seeds) < 2 or family.examples < 2 or not undecided.any():
        return [*tests]
    needed = power.needed(family, undecided, level, margin)
    return [replace(test, seeds=each.seeds, examples=each.examples) for test, each in zip(tests, needed, strict=True)]


def none_differs(examples: int) -> float:
    """The difference of two fractions that is excluded if none of this many examples was answered differently.

    Clopper and Pearson's exact upper 97.5 % limit of the fraction answered differently: about 3.7 / n, a two-sided rule
    of three.
    """
    return 1.0 - float(((1 - CONFIDENCE) / 2) ** (1 / examples))


def _intervals(
    family: Family, errors: Array, drawn: Array, *, proportion: bool
) -> list[tuple[float | None, float | None]]:
    errors = errors * (family.examples > 1)  # a single cluster shows no variance over examples: unknown
    reach = np.quantile(drawn, CONFIDENCE, axis=0) * errors
    found: list[tuple[float | None, float | None]] = []
    for difference, error, each in zip(family.differences.tolist(), errors.tolist(), reach.tolist(), strict=True):
        if error > 0 or proportion:
            width = each if error > 0 else none_differs(family.examples)
            ends = difference - width, difference + width
            found.append((max(-1.0, ends[0]), min(1.0, ends[1])) if proportion else ends)
        else:
            found.append((None, None))
    return found


def _equivalent(family: Family, errors: Array, drawn: Array, level: float, margin: float) -> NDArray[np.bool_]:
    """Which simultaneous intervals lie within the margin on both sides; if nothing varies there is no interval."""
    widest = np.quantile(drawn.max(axis=1), 1 - level)
    found: NDArray[np.bool_] = (np.abs(family.differences) + widest * errors < margin) & (errors > 0)
    return found


def _enough_differ(
    differing: Array, examples: int, level: float, margin: float, *, proportion: bool
) -> NDArray[np.bool_]:
    """Whether enough examples are answered differently to base an equivalence on the standard error.

    With fewer than ten it is not reliable. Then the fraction that differs, which bounds the difference of two
    proportions, must itself be shown to lie below the margin (Clopper and Pearson).
    """
    highest = stats.beta.isf(level, differing + 1, np.maximum(1, examples - differing))
    found: NDArray[np.bool_] = (differing >= FEW) | (proportion & (highest < margin))
    return found


def _of_runs(family: Family) -> Array:
    """The p-values of these runs, over test examples alone: Student's t with n - 1 degrees of freedom."""
    first, second = family.pairs
    variances = np.diag(family.covariance)
    over = np.maximum(0.0, variances[first] + variances[second] - 2 * family.covariance[first, second])
    found: Array = 2 * stats.t.sf(statistics(family.differences, np.sqrt(over)), max(1, family.examples - 1))
    return found


def _freedom(family: Family, variance: SeedVariance, errors: Array) -> Array:
    first, second = family.pairs
    parts = [variance.value[place] for place in (first, second)]
    over = np.maximum(0.0, errors**2 - sum(parts))
    spread = over**2 / max(1, family.examples - 1)
    spread += sum(part**2 / variance.freedom[place] for part, place in zip(parts, (first, second), strict=True))
    found: Array = np.where(spread > 0, errors**4 / np.where(spread > 0, spread, 1.0), max(1, family.examples - 1))
    return found


def _detectable(draws: Draws, observed: Array, level: float) -> Array:
    return power.detectable(draws, power.critical_values(observed, draws.t, level))
