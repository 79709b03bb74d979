"""How far a mean over seeds and test examples may be off: its variance, and how well that variance is known.

A score of method m with seed s on the test set is taken as

    score = truth_m + examples_m + seed_ms + chance_ms

`examples` is what the draw of test examples does to every seed of the method alike, `seed` is how good the run is,
and `chance` is what seed and examples do together. Examples are resampled. Seeds are not: three of them, drawn with
replacement, give ten different samples, whose variance is short by a third ((S - 1) / S), and whose tails are those
of a normal law where Student's with two degrees of freedom are due. Simulated, such a test gives false alarms in 13 %
where 5 % is said. (Resampling both ways at once also counts `chance` up to three times: Owen, "The pigeonhole
bootstrap", 2007.) So the parts are estimated as in a two-way layout with random effects (Searle, Casella and
McCulloch, "Variance Components", 1992, chapter 4):

- the variance of the S scores themselves, over S, holds `seed` and `chance`, with S - 1 degrees of freedom;
- the variance of the mean over resamples holds `examples` and `chance`; `chance` is taken out, being in the other
  part already. It is S / (S - 1) of the amount by which single scores vary more over resamples than their mean does.

The sum is unbiased, whichever of the three is large. But where seeds happen to score alike, their variance falls short
of the `chance` that was taken out of the other part, and the sum falls below what the examples alone explain: of 100
examples, one error a seed against two, all in different places, give a standard error of 0.001, and the examples alone
0.010. So no more is taken out than the seeds put in: the sum is never below the variance of the mean over resamples.
That errs on the safe side where seeds hardly matter: false alarms in 1 to 4 % of cases there, instead of 5 %.

The degrees of freedom are Satterthwaite's (1946): near S - 1 for each method where seeds differ most, near the number
of examples where the examples decide. They too are estimated, and too high where three seeds happen to be alike: then
the test says "different" too often, in up to 7 % where one method's seeds vary six times as much as the other's. So a
fifth of their harmonic mean is what the seeds alone have. (`python -m benchmarks.false_alarms` simulates all this.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pefbench.stats.resampling import Array, Scores

CARE = 0.2
"""Weight of the seeds' own degrees of freedom; see above."""


@dataclass(frozen=True)
class Variance:
    """The variance of a mean or of a difference of means, and its degrees of freedom."""

    value: float
    freedom: float


def of_sum(parts: list[Scores], signs: list[int]) -> Variance:
    """The variance of a signed sum of methods' means, as `mean(first) - mean(second)` with signs 1 and -1.

    Seeds of two methods are taken as independent: the same number says nothing of how well two unlike methods train.
    If it does, through the head's initial weights or the order of the data, it moves both alike, and this errs on the
    safe side. With one seed nothing is known of seeds, and the variance is that of the examples alone.
    """
    examples = parts[0].examples
    together = sum(sign * part.resampled.mean(axis=0) for sign, part in zip(signs, parts, strict=True))
    correction = examples / max(1, examples - 1)  # a bootstrap's variance is that of the sample, over n
    over_examples = correction * float(np.var(together))
    if len(parts[0].values) == 1:
        return Variance(over_examples, max(1, examples - 1))
    between = [float(np.var(part.values, ddof=1)) / len(part.values) for part in parts]
    taken_out = min(correction * sum(map(chance, parts)), sum(between))
    shared = max(0.0, over_examples - taken_out)
    total = shared + sum(between)
    of_seeds = sum(value**2 for value in between) / (len(parts[0].values) - 1)
    spread = of_seeds + shared**2 / max(1, examples - 1)
    if of_seeds == 0:
        return Variance(total, max(1, examples - 1))
    careful = sum(between) ** 2 / of_seeds
    return Variance(total, 1 / ((1 - CARE) * spread / total**2 + CARE / careful))


def chance(scores: Scores) -> float:
    """The part of the variance of a mean over seeds that seeds and examples make together."""
    seeds = len(scores.values)
    single = float(np.var(scores.resampled, axis=1).mean())
    mean = float(np.var(_mean(scores.resampled)))
    return max(0.0, single - mean) / (seeds - 1)


def _mean(resampled: Array) -> Array:
    mean: Array = resampled.mean(axis=0)
    return mean
