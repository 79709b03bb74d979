"""The confidence interval of a proportion: Wilson's score interval.

Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927): the true proportions that a test
with the normal approximation would not reject. It lies within [0, 1], and it has a width even where all examples are
right or all wrong, where every resample of a bootstrap gives the same value.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson(right: float, examples: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a proportion, of examples or of an effective number of them, which may be a fraction.

    Raises ValueError unless 0 <= right <= examples and there are examples.
    """
    if not 0 <= right <= examples or examples <= 0:
        raise ValueError(f"{right} of {examples} is not a proportion")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / examples
    shrunk = (share + z**2 / (2 * examples)) / (1 + z**2 / examples)
    reach = z / (1 + z**2 / examples) * sqrt(share * (1 - share) / examples + z**2 / (4 * examples**2))
    # At 0 and 1 the end is exact; rounding would put the proportion itself outside.
    return (0.0 if right == 0 else max(0.0, shrunk - reach)), (1.0 if right == examples else min(1.0, shrunk + reach))
