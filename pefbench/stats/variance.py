"""The variance of a mean over seeds and test examples, with its degrees of freedom.

The model of a score of method m with seed s on the test set is

    score = truth_m + examples_m + seed_ms + chance_ms

`examples` is the effect of the draw of test examples, the same for every seed of the method. `seed` is the quality of
the run. `chance` is the interaction of seed and examples. Examples are resampled. Seeds are not: three seeds, drawn
with replacement, give ten different samples, whose variance is too small by a third ((S - 1) / S), and whose tails are
normal instead of Student's with two degrees of freedom. In simulations such a test at 5 % gives 13 % false alarms.
(Resampling both ways at once also counts `chance` up to three times: Owen, "The pigeonhole bootstrap", 2007.) So the
components are estimated as in a two-way layout with random effects (Searle, Casella and McCulloch, "Variance
Components", 1992, chapter 4):

- The variance of the S scores themselves, over S, contains `seed` and `chance`, with S - 1 degrees of freedom.
- The variance of the mean over resamples contains `examples` and `chance`. `chance` is subtracted, because the other
  component contains it already. It is S / (S - 1) times the amount by which single scores vary more over resamples
  than their mean does.

The sum is unbiased, whichever of the three is large. But if the seeds happen to score alike, their variance is smaller
than the subtracted `chance`, and the sum falls below what the examples alone explain. Example: on 100 examples, one
error per seed against two, all on different examples, gives a standard error of 0.001; the examples alone give 0.010.
So at most the variance over seeds is subtracted: the sum is never below the variance of the mean over resamples. This
is conservative if seeds hardly matter: false alarms are then 1 to 4 % instead of 5 %.

The degrees of freedom are Satterthwaite's (1946): near S - 1 for each method if seeds dominate, near the number of
examples if examples dominate. They too are estimates, and too high if three seeds happen to be alike: the test then
says "different" too often, in up to 7 % of cases if one method's seeds vary six times as much as the other's. So the
result is a weighted harmonic mean of these and the degrees of freedom of the seeds alone, which have a weight of a
fifth. (`python -m benchmarks.false_alarms` simulates all this.)
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
    """The variance of a signed sum of methods' means, such as `mean(first) - mean(second)` with signs 1 and -1.

    Seeds of different methods are treated as independent. If the same seed does affect both methods, through the head's
    initial weights or the order of the data, it moves both in the same direction, so this is conservative. With one
    seed the variance over seeds is unknown, and the result is that of the examples alone.
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
    """The component of the variance of a mean over seeds that is due to seed and examples together."""
    seeds = len(scores.values)
    single = float(np.var(scores.resampled, axis=1).mean())
    mean = float(np.var(_mean(scores.resampled)))
    return max(0.0, single - mean) / (seeds - 1)


def _mean(resampled: Array) -> Array:
    mean: Array = resampled.mean(axis=0)
    return mean
